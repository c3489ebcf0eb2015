"""Which phantom a set shows. It is told by its shape or its name, and is never a patient."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from models.phantom import acr_mr, water_ct
from models.sets.image_set import ImageSet
from models.sets.producer import SetSubject

_NAMED: Mapping[tuple[str, str], re.Pattern[str]] = {
    ("MR", acr_mr.KIND): re.compile(r"\bACR\b"),
    ("CT", "phantom_ct_catphan"): re.compile(r"CAT[ _-]?PHAN"),
    ("CT", "phantom_ct_acr"): re.compile(r"\bACR\b"),
    ("CT", water_ct.KIND): re.compile(r"WATER[ _-]?(PHANTOM|QA)|水模"),
    ("MR", "phantom_mr"): re.compile(r"PHANTOM|水模"),
    ("CT", "phantom_ct"): re.compile(r"PHANTOM|水模"),
}
"""What a description or protocol says, in this order."""


def _shape_on_mr(images: ImageSet) -> str | None:
    if acr_mr.uniform_slice(images):
        return acr_mr.KIND
    return "phantom_mr" if acr_mr.all_round(images) else None


def _shape_on_ct(images: ImageSet) -> str | None:
    return water_ct.KIND if water_ct.is_water(images) else None


_SHAPES: Mapping[str, Callable[[ImageSet], str | None]] = {"MR": _shape_on_mr, "CT": _shape_on_ct}


def phantom_of(subject: SetSubject, modality: str) -> str | None:
    """Its kind: ``phantom_mr_acr``, ``phantom_ct_water``...; None for a patient, and for what nothing says."""
    return _named(subject, modality) or _shaped(subject, modality)


def _named(subject: SetSubject, modality: str) -> str | None:
    exam = subject.images.slices[len(subject.images.slices) // 2].exam
    said = " ".join(filter(None, (exam.StudyDescription, exam.SeriesDescription, exam.ProtocolName))).upper()
    return next((kind for (its, kind), name in _NAMED.items() if its == modality and name.search(said)), None)


def _shaped(subject: SetSubject, modality: str) -> str | None:
    look = _SHAPES.get(modality)
    return look(subject.images) if look and subject.images.level == "series" else None
