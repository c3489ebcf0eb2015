"""The words of closed sets, and the coded reasons of a reject. Those of a verdict are ``models.rules.words``."""

from __future__ import annotations

from capture.text import Bilingual
from cloud_sync.kit.i18n import mark
from models.rules.words import EVIDENCE, GRADES, REASONS, SEVERITIES

REJECT_REASONS: dict[str, str] = {
    "111209": mark("Positioning"),
    "111210": mark("Motion blur"),
    "111211": mark("Under exposed"),
    "111212": mark("Over exposed"),
    "111207": mark("Image artifact(s)"),
    "111208": mark("Grid artifact(s)"),
    "111214": mark("Detector artifact(s)"),
    "111215": mark("Artifact(s) other than grid or detector"),
    "113026": mark("Double exposure"),
    "111213": mark("No image"),
    "111219": mark("Inappropriate image processing"),
    "111216": mark("Mechanical failure"),
    "111217": mark("Electrical failure"),
    "111218": mark("Software failure"),
    "111220": mark("Other failure"),
    "111221": mark("Unknown failure"),
}
"""DICOM PS3.16 CID 7011, Rejected for Quality Reasons; the commonest first."""

WORDS: dict[tuple[str, str], str | Bilingual] = {
    **{("grade", key or "none"): said for key, said in GRADES.items()},
    **{("severity", key): said for key, said in SEVERITIES.items()},
    **{("evidence", key): said for key, said in EVIDENCE.items()},
    **{("missing", key): said for key, said in REASONS.items()},
    ("level", "jia"): mark("Level 3"),
    ("level", "yi"): mark("Level 2"),
    ("level", "bing"): mark("Level 1"),
    ("level", "fei"): mark("Level 0"),
    ("level", "none"): mark("Not judged"),
    ("means", "jia"): mark("Good image"),
    ("means", "yi"): mark("Usable, can be better"),
    ("means", "bing"): mark("Limited: check before the patient leaves"),
    ("means", "fei"): mark("Not usable: retake, or release with a reason"),
    ("means", "none"): mark("No rule pack covers this image"),
    ("finding", "warn"): mark("Warning"),
    ("finding", "fail"): mark("Failed"),
    ("action", "accept"): mark("Accepted"),
    ("action", "repeat"): mark("Repeat"),
    ("action", "override"): mark("Released"),
    ("role", "technologist"): mark("Technologist"),
    ("role", "qc-lead"): mark("QC lead"),
    ("role", "engineer"): mark("Engineer"),
    ("state", "held"): mark("Waiting"),
    ("state", "judging"): mark("Being judged"),
    ("state", "judged"): mark("Judged"),
    ("state", "reported"): mark("Judged, at the centre"),
    ("state", "waiting_retry"): mark("Will be tried again"),
    ("state", "set_aside"): mark("Set aside"),
    ("link", "off"): mark("No centre configured"),
    ("link", "connecting"): mark("Connecting to the centre"),
    ("link", "connected"): mark("Centre connected"),
    ("link", "lost"): mark("Centre not reachable"),
    ("mark", "lung"): mark("Lung"),
    ("mark", "heart"): mark("Heart"),
    ("mark", "bone"): mark("Clavicle, scapula"),
    ("mark", "spine"): mark("Spine"),
    ("mark", "field"): mark("Exposed field"),
    ("mark", "margin"): mark("Margin"),
    ("mark", "centre"): mark("Off centre"),
    ("mark", "rotation"): mark("Rotation"),
    ("mark", "object"): mark("Foreign object"),
    ("mark", "device"): mark("Medical device"),
    ("mark", "other"): mark("Other mark"),
    ("audit", "login"): mark("Logged in"),
    ("audit", "login.refused"): mark("Log-in refused"),
    ("audit", "logout"): mark("Logged out"),
    ("audit", "case.viewed"): mark("Viewed with identity"),
    ("audit", "case.acknowledged"): mark("Acknowledged"),
    ("audit", "decision.accept"): mark("Accepted"),
    ("audit", "decision.repeat"): mark("Repeat"),
    ("audit", "decision.override"): mark("Released"),
    ("audit", "decision.undone"): mark("Decision undone"),
    ("audit", "baseline.reset"): mark("Baseline learned anew"),
    ("audit", "baseline.seeded"): mark("Baseline given"),
}


def person(name: str) -> str:
    """A DICOM person name as people write it: the ideographic group if there is one, carets as spaces."""
    groups = [" ".join(part for part in group.split("^") if part).strip() for group in name.split("=")]
    return next((group for group in (groups[1:2] + groups[:1] + groups[2:]) if group), "")
