"""The net over the readers of the house: finds lines of text, reads each."""

from __future__ import annotations

from capture.redaction.answer import Area, Bgr, Net, Text
from capture.screen.ocr.engine import Engines


def net_of(engines: Engines) -> Net:
    """A net. The second reader reads: it is quick, and what it misreads is still compared with tolerance."""

    def net(bgr: Bgr) -> tuple[Text, ...]:
        boxes = [found.box for found in engines.finder.find(bgr)]
        crops = [bgr[box.rows, box.columns] for box in boxes]
        read = engines.second.read(crops, [""] * len(crops))
        return tuple(
            Text(Area(box.x, box.y, box.x + box.w, box.y + box.h), one.text, _mean(one.scores))
            for box, one in zip(boxes, read, strict=True)
        )

    return net


def _mean(scores: tuple[float, ...]) -> float:
    return sum(scores) / len(scores) if scores else 0.0
