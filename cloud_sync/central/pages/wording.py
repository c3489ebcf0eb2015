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
    "alarm.clone": mark("Two boxes use one name"),
    "alarm.token": mark("A used token came again with another key"),
    "alarm.serial": mark("A token was used on another machine"),
    "alarm.renewal": mark("One certificate was renewed for two keys"),
    "alarm.revoked": mark("A certificate that was taken back is still in use"),
    "revoked.key_compromise": mark("Its key may be known to others"),
    "revoked.lost": mark("Lost or stolen"),
    "revoked.clone": mark("Copied"),
    "revoked.replaced": mark("Replaced by a new enrolment"),
    "revoked.out_of_service": mark("Out of service"),
    "revoked.superseded": mark("Renewed"),
    "draft-editing": mark("being edited"), "draft-submitted": mark("waits for approval"),
    "draft-published": mark("published"), "draft-withdrawn": mark("withdrawn"),
    "change-added": mark("new"), "change-removed": mark("removed"), "change-changed": mark("changed"),
    "case-passes": mark("passes"), "case-warns": mark("warns"), "case-fails": mark("fails"),
    "case-vetoes": mark("vetoes"), "case-not_assessed": mark("not assessed"), "case-skips": mark("does not apply"),
    "edit-rule": mark("Rule"), "edit-added": mark("New rule"), "edit-removed": mark("Rule removed"),
    "edit-override": mark("Change of an earlier layer's rule"), "edit-left": mark("No longer changed"),
    "edit-new": mark("New pack, layer"), "deed-new": mark("New pack begun"),
    "edit-text": mark("Text"), "edit-begun": mark("From version"), "edit-back": mark("Back to a version"),
    "edit-brought_in": mark("Brought in, version"),
    "deed-begun": mark("Draft begun"), "deed-back": mark("Draft from an old version"),
    "deed-brought_in": mark("Draft brought in from a file"),
    "deed-submitted": mark("Submitted"), "deed-rejected": mark("Rejected"),
    "deed-taken_back": mark("Taken back"), "deed-withdrawn": mark("Draft withdrawn"),
    "deed-approved": mark("Approved and published"),
    "area-general": mark("General"), "area-radiography": mark("Radiography"), "area-ct": mark("CT"),
    "area-mr": mark("MR"), "area-screen": mark("Screen templates"),
    "kind-pack": mark("Rules"), "kind-bundle": mark("Network"), "kind-protocol": mark("Protocol"),
    "kind-template": mark("Screen template"), "kind-drl": mark("Dose reference levels"),
    "type-bool": mark("true or false"), "type-number": mark("number"), "type-text": mark("text"),
    "type-texts": mark("list of texts"),
}  # fmt: skip
