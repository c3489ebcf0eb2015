"""Look: everything that the measures of one CT series share, found once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from models.ct.body import Body, body_of
from models.ct.field import Cut, cut_by_field
from models.ct.head import Head, head_of
from models.ct.lungs import Lungs, lungs_of
from models.ct.scan import Scan, scan_of
from models.measurement import Reason
from models.sets.image_set import ImageSet, Series, Slice
from models.sets.latest import of_the_latest
from models.sets.volume import NoVolume

_MOST_SLICES = 1500
"""A whole body at 1.25 mm; what needs more memory than a worker has is left to the headers."""


@dataclass(frozen=True, eq=False)
class Look:
    """A scan with a body in it."""

    scan: Scan
    body: Body

    @property
    def from_head(self) -> tuple[Slice, ...]:
        """The slices of the scan, head first."""
        return self.scan.slices

    @cached_property
    def lungs(self) -> Lungs | None:
        return lungs_of(self.scan, self.body)

    @cached_property
    def head(self) -> Head | None:
        return head_of(self.scan, self.body)

    @cached_property
    def span(self) -> slice:
        """The slices of the part that was to be examined."""
        if self.lungs is not None:
            return slice(self.lungs.first, self.lungs.last + 1)
        return self.head.wide if self.head is not None else slice(None)

    @cached_property
    def cut(self) -> Cut:
        """Of the slices of that part."""
        return cut_by_field(self.scan, self.body, self.span)


def look_at(images: ImageSet) -> Look | NoVolume:
    """The series of a set of level series. Kept until another series is asked for."""
    middle = images.slices[len(images.slices) // 2]
    if images.level != "series" or middle.exam.Modality != "CT":
        return NoVolume(Reason.NOT_APPLICABLE, "not a series of a CT")
    if "LOCALIZER" in middle.exam.ImageType:
        return NoVolume(Reason.NOT_APPLICABLE, "a localizer")
    if len(images.slices) > _MOST_SLICES:
        return NoVolume(Reason.NOT_APPLICABLE, "more slices than a part of one body has")
    return _look_at(images.series[0])


@of_the_latest
def _look_at(series: Series) -> Look | NoVolume:
    scan = scan_of(series)
    if isinstance(scan, NoVolume):
        return scan
    body = body_of(scan)
    if body is None:
        return NoVolume(Reason.NOT_RELIABLE, "nobody is in the field")
    return Look(scan, body)
