"""Any file that holds a picture: a shot of a screen, a DICOM object, or a screen saved as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from capture.arrival import Arrival
from capture.dicom.options import ReadOptions
from capture.redaction.answer import Net, Redacted, Refused
from capture.redaction.objects import redact_object
from capture.screen import shot
from capture.screen.redact import UNKNOWN_SCREEN, redact, redact_shot
from capture.screen.template import Template

_ZIP, _PNG = b"PK\x03\x04", b"\x89PNG\r\n\x1a\n"


def redact_file(
    path: Path,
    arrival: Arrival,
    templates: Sequence[Template],
    known: Sequence[str],
    net: Net,
    options: ReadOptions = ReadOptions(),  # noqa: B008 - frozen
) -> Redacted | Refused:
    """The picture that may leave, or why none does.

    Args:
        path: The file.
        arrival: As which it came.
        templates: Screens that were taught; a shot brings its own.
        known: Names, numbers and dates of the patient that the box knows beside those in the file.
        net: Finds and reads text.
        options: Limits of reading an object.

    Raises:
        SetAside, OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(_ZIP):
        return redact_shot(shot.parse(path.read_bytes()), known, net)
    if head != _PNG:
        return redact_object(path, arrival, templates, known, net, options)
    bgr = shot.picture(path.read_bytes())
    answers = (redact(bgr, template, known, net) for template in templates)
    return next((one for one in answers if one != UNKNOWN_SCREEN), UNKNOWN_SCREEN)
