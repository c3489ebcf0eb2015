"""The words of closed sets. Those of a verdict are ``models.rules.words``."""

from __future__ import annotations

from capture.text import Bilingual
from cloud_sync.kit.i18n import mark
from models.rules.words import GRADES, SEVERITIES

WORDS: dict[str, str | Bilingual] = {
    **{key or "": said for key, said in GRADES.items()},
    **{key: said for key, said in SEVERITIES.items()},
    "unknown": mark("Unknown"), "none": mark("None given"),
    "site": mark("Site"), "box": mark("Box"), "device": mark("Device"), "modality": mark("Modality"),
    "grade": mark("Grade"), "qc-group": mark("QC group"), "admin": mark("Administrator"),
    "content": mark("One number, two contents"), "source": mark("An event in another box's name"),
    "clone": mark("Two boxes use one name"),
}  # fmt: skip
