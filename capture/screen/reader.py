"""Reader: the fields of a screen, by two engines, over the frames of one event, decided by the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capture.screen.frame import Picture
from capture.screen.ocr.engine import Bgr, Engines
from capture.screen.reading import FieldReading
from capture.screen.template import ScreenField


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What was read and the pixels it was read from: given back, a field with equal pixels is not read again."""

    fields: tuple[FieldReading, ...]
    crops: tuple[Bgr, ...]


class Reader:
    """Reads fields. Holds the engines; one thread."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def read(
        self, fields: Sequence[ScreenField], frames: Sequence[Picture], before: Readings | None = None
    ) -> Readings:
        """One :class:`FieldReading` for each field, in their order.

        ``frames``: one to five pictures of the taught resolution, about 100 ms apart. ``before``: what was
        read of the same fields last time.
        """
        raise NotImplementedError
