"""View: one frame as a template sees it, decoded as far as somebody asks and not twice."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from capture.screen import anchors, faults, pixels
from capture.screen.anchors import Placed
from capture.screen.blocks import REDUCED
from capture.screen.events import asked
from capture.screen.frame import Frame, Picture
from capture.screen.reader import Reader, Readings
from capture.screen.signal import Signal
from capture.screen.template import Template


class Witnesses:
    """Reads what a detector asks of a template, those fields again whose pixels changed."""

    def __init__(self, template: Template, reader: Reader) -> None:
        taught = {field.keyword: field for field in template.fields}
        self._fields = [taught[keyword] for keyword in asked(template)]
        self._reader = reader
        self.last: Readings | None = None
        """What was read last: nobody need read it again."""

    def read(self, picture: Picture) -> tuple[str | None, ...]:
        """What each shows; None where it is not certainly what was taught."""
        if not self._fields:
            return ()
        self.last = self._reader.read(self._fields, [picture], self.last)
        return tuple(one.text if one.state == "accepted" else None for one in self.last.fields)


class View:
    """A :class:`~capture.screen.events.Witness`. Every property raises :class:`~capture.screen.pixels.Torn`."""

    def __init__(self, frame: Frame, template: Template, witnesses: Witnesses) -> None:
        self.frame, self.template, self._witnesses = frame, template, witnesses

    @cached_property
    def quarter(self) -> NDArray[np.uint8]:
        """For the detector."""
        return pixels.luma(self.frame, REDUCED, limited_range=self.template.limited_range)

    @cached_property
    def luma(self) -> NDArray[np.uint8]:
        """Full size."""
        return pixels.luma(self.frame, 1, limited_range=self.template.limited_range)

    @cached_property
    def place(self) -> Placed | None:
        """Where the taught screen lies in it."""
        return anchors.place(self.luma, self.template)

    @cached_property
    def picture(self) -> Picture:
        """In colour, where the template has it."""
        seen = pixels.picture(self.frame, self.template.limited_range)
        return Picture(anchors.upright(seen.bgr, self.place), seen.time) if self.place else seen

    @property
    def fault(self) -> Signal | None:
        """Whether it came damaged. Dear: some tens of milliseconds."""
        return faults.capture_fault(self.luma, self.template)

    def placed(self) -> bool:
        """See :class:`~capture.screen.events.Witness`."""
        return self.place is not None

    def texts(self) -> tuple[str | None, ...]:
        """See :class:`~capture.screen.events.Witness`."""
        return self._witnesses.read(self.picture)
