"""A picture of a screen without the patient: the image cut out, taught places covered, text found and covered.

Fails closed: where the taught screen is not in place, where text is left that nobody taught, or where the known
name or number can still be read, nothing leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

from capture.redaction.answer import Bgr, Net, Redacted, Refused
from capture.screen.template import Template


def redact(bgr: Bgr, template: Template | None, known: Sequence[str], net: Net) -> Redacted | Refused:
    """The image box of a screen, or why it stays.

    Args:
        bgr: The whole screen, of any resolution.
        template: What was taught of it; None: an unknown screen, of which nothing leaves.
        known: Names and numbers of the patient, as far as the box knows them (:func:`capture.redaction.known.known`).
        net: Finds and reads text.
    """
    raise NotImplementedError
