"""Which part of the body a CT series shows, by header and pixels: ct_chest, ct_head or ct_other."""

from __future__ import annotations

import re

from models.ct.look import Look, look_at
from models.measurement import Measurements
from models.reporting import Answer, Missing
from models.sets.image_set import ImageSet
from models.sets.volume import NoVolume

CHEST, HEAD, OTHER = "ct_chest", "ct_head", "ct_other"
_CHEST_PARTS = frozenset({"CHEST", "THORAX", "LUNG"})
_HEAD_PARTS = frozenset({"HEAD", "BRAIN", "SKULL"})
_LUNGS_ML = (600.0, 1500.0)
"""Both lungs hold at least so much where the header says chest, and where it does not say."""
_LUNGS_LONG_MM = 130.0
_BEYOND_MM = 220.0
"""A scan that goes on for longer than this under the lungs is of the trunk, not of the chest."""
_OTHER_AIM = re.compile(
    r"CARDI|CORON|HEART|CALCIUM|CA[- ]?SCOR|ABD|PELV|NECK|C[- ]?SPINE|ANGIO|CTA\b"
    r"|EXSP|EXPIR|BIOPSY|INTERVENT|TARGET"
    r"|冠|心|腹|盆|颈|呼气|穿刺|靶"
)
"""Said of a chest whose range or breath is chosen for something else."""
_OTHER_HEAD = re.compile(
    r"SINUS|ORBIT|DENT|TEMPORAL|MASTOID|FACIAL|FACE|NECK|ANGIO|CTA\b|CAROTID|PITUIT|窦|眼|牙|颞|乳突|面|颈"
)


def kind_of(images: ImageSet, so_far: Measurements) -> Answer:
    """Of a series; of a study, what its header says."""
    part, said = so_far.text("body.part"), _said(images)
    if images.level == "study":
        return CHEST if part in _CHEST_PARTS else HEAD if part in _HEAD_PARTS else OTHER
    look = look_at(images)
    if isinstance(look, NoVolume):
        return Missing(look.reason, look.detail)
    if _is_chest(look, part) and not _OTHER_AIM.search(said):
        return CHEST
    if _is_head(look, part) and not _OTHER_HEAD.search(said):
        return HEAD
    return OTHER


def _said(images: ImageSet) -> str:
    exam = images.slices[len(images.slices) // 2].exam
    return " ".join(filter(None, (exam.StudyDescription, exam.SeriesDescription, exam.ProtocolName))).upper()


def _is_chest(look: Look, part: str | None) -> bool:
    if part is not None and part not in _CHEST_PARTS:
        return False
    lungs = look.lungs
    if lungs is None:
        return False
    z = look.scan.z_mm
    long = float(z[lungs.last] - z[lungs.first]) >= _LUNGS_LONG_MM
    only = float(z[-1] - z[lungs.last]) <= _BEYOND_MM
    return lungs.ml >= _LUNGS_ML[part is None] and long and only


def _is_head(look: Look, part: str | None) -> bool:
    return (part is None or part in _HEAD_PARTS) and look.head is not None
