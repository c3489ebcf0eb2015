"""The words of closed sets."""

from __future__ import annotations

from cloud_sync.kit.i18n import mark

WORDS = {
    "jia": mark("Grade A"), "yi": mark("Grade B"), "bing": mark("Grade C"), "fei": mark("Grade D"),
    "unknown": mark("Unknown"), "": mark("Not judged"), "none": mark("None given"),
    "site": mark("Site"), "box": mark("Box"), "device": mark("Device"), "modality": mark("Modality"),
    "grade": mark("Grade"), "qc-group": mark("QC group"), "admin": mark("Administrator"),
    "info": mark("Note"), "minor": mark("Minor"), "major": mark("Major"), "veto": mark("Veto"),
    "content": mark("One number, two contents"), "source": mark("An event in another box's name"),
    "clone": mark("Two boxes use one name"),
}  # fmt: skip
