"""set.*: how many images came, and how sure it is that these are all."""

from __future__ import annotations

from collections.abc import Iterable

from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.sets.producer import SetProducer, SetSubject

_NAME = "sets/1"


class SetFacts:
    """Of any series and any study."""

    name = _NAME
    provides = frozenset({"set.images", "set.expected_images", "set.unread_images", "set.is_whole", "set.because"})
    needs = frozenset[str]()

    def measure(self, subject: SetSubject) -> Iterable[Measured]:
        sure = subject.images.completeness
        yield Measurement(
            "set.images", float(len({one.instance for one in subject.images.slices})), "{images}", _NAME
        )
        if sure.contradicts:
            yield NotMeasured("set.expected_images", Reason.NOT_RELIABLE, "the headers contradict one another")
        elif sure.expected_images is None:
            yield NotMeasured("set.expected_images", Reason.NOT_CONNECTED, "neither MPPS nor commitment said so")
        else:
            yield Measurement("set.expected_images", float(sure.expected_images), "{images}", _NAME)
        yield Measurement("set.unread_images", float(sure.unread_images), "{images}", _NAME)
        yield Measurement("set.is_whole", sure.whole, producer=_NAME)
        if sure.because is None:
            yield NotMeasured("set.because", Reason.NOT_APPLICABLE, "images may still come")
        else:
            yield Measurement("set.because", sure.because, producer=_NAME)


PRODUCERS: tuple[SetProducer, ...] = (SetFacts(),)
