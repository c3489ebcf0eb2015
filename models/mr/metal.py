"""mr.void_*: what is said of the voids of a head (MB09), with their outlines on the sheet."""

from __future__ import annotations

from collections.abc import Iterator

from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason
from models.mr.chosen import usable
from models.mr.kept import size_of
from models.mr.layout import layout_of
from models.mr.series import not_for, signed
from models.mr.void import Voids, voids_of
from models.sets.image_set import ImageSet
from models.sets.marks import outlines
from models.sets.producer import SetSubject

_NAME = "mr-void/1"
_PERCENT, _IMAGE = "mr.void_percent", "mr.void_image"


class MrVoid:
    """Of a series of a head whose slices show left and right."""

    name = _NAME
    needs = frozenset({"exam.kind"})
    provides = frozenset({_PERCENT, _IMAGE})

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        why = not_for(subject) or ("not a head" if subject.so_far.text("exam.kind") != "mr_brain" else None)
        found = None if why else voids_of(subject.images.series[0])
        if found is None:
            reason = Reason.NOT_APPLICABLE if why else Reason.NOT_RELIABLE
            detail = why or "no steady plane of symmetry in these slices"
            yield from (NotMeasured(name, reason, detail) for name in sorted(self.provides))
            return
        yield signed(Measurement(_PERCENT, found.percent, marks=_marks(found, subject.images)), _NAME)
        number = found.worst.exam.InstanceNumber
        if number is None or not found.percent:
            yield NotMeasured(_IMAGE, Reason.NOT_APPLICABLE, "no void, or no InstanceNumber")
        else:
            yield signed(Measurement(_IMAGE, float(number)), _NAME)


def _marks(found: Voids, images: ImageSet) -> tuple[Mark, ...]:
    """The outlines of the two largest in the slice with most of them, where it is on the sheet."""
    if not layout_of(usable(images.slices)).shows_void(found.percent):
        return ()
    high, wide = size = size_of(found.worst)
    area = found.mask.mean() * high * wide / 100
    return outlines("void", size, "void", found.mask, f"{area:.0f} cm²")
