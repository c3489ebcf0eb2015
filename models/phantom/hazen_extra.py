"""What hazen measures of the ACR phantom and we do not. It is the optional extra ``phantom``."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from models.measurement import Measured, NotMeasured, Reason
from models.phantom.acr_mr import KIND
from models.sets.producer import SetSubject

NAMES = ("phantom.slice_thickness_mm", "phantom.slice_position_mm", "phantom.geometry_error_mm")


class Hazen:
    """Of a series of the ACR MR phantom."""

    name = "hazen/1"
    needs = frozenset({"exam.kind"})
    provides = frozenset(NAMES)

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        if subject.so_far.text("exam.kind") != KIND:
            yield from (NotMeasured(name, Reason.NOT_APPLICABLE, "not the ACR phantom") for name in NAMES)
            return
        if importlib.util.find_spec("hazenlib") is None:
            detail = "the optional extra phantom (hazen) is not installed"
            yield from (NotMeasured(name, Reason.NOT_CONFIGURED, detail) for name in NAMES)
            return
        from models.phantom.hazen_run import measured

        yield from measured(subject.images)
