"""mr.*: what the slices of an MR series say together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.catalogue import catalogue
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.mr import iqm, marks
from models.mr.chosen import column, is_mr, upper, usable, worst
from models.mr.layout import Layout, layout_of
from models.mr.slices import WHY
from models.mr.uniformity import nonuniformity_percent
from models.sets.image_set import Slice
from models.sets.producer import SetSubject

_NAME = "mr-series/2"
_FEWEST = 3
_ONE_SIDE = 0.5
"""Confidence in a ghost that shows on one side of the object only: dark tissue looks alike."""
_FEW = 0.55
_SURE = 0.8

Look = Callable[[Sequence[Slice], Layout], Iterable[Measured]]


class MrSeries:
    """Of a series of magnitude pictures; anything else is not applicable."""

    name = _NAME
    needs = frozenset[str]()

    def __init__(self) -> None:
        self.provides = frozenset(
            f"mr.{name}"
            for name in (
                "ghost_percent", "ghost_image", "wrap_score", "wrap_image", "spike_z", "spike_image", "snr",
                "snr_inside", "air_seen", "nonuniformity_percent", "efc", "fber", "qi1", "cjv", "cnr", "snrd",
            )
        )  # fmt: skip

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        why = not_for(subject)
        slices = () if why else usable(subject.images.slices)
        if not slices:
            reason = Reason.NOT_APPLICABLE if why else Reason.NO_PIXELS
            yield from (
                NotMeasured(name, reason, why or "no slice shows an object") for name in sorted(self.provides)
            )
            return
        layout = layout_of(slices)
        for look in (_ghosts, _wraps, _spikes, _signal, _field, _metrics):
            for fact in look(slices, layout):
                yield signed(fact, _NAME)


def signed(fact: Measured, producer: str) -> Measured:
    """The fact with the unit of the catalogue and the producer's name."""
    if isinstance(fact, NotMeasured):
        return fact
    return replace(fact, unit=catalogue()[fact.name].unit, producer=producer)


def not_for(subject: SetSubject) -> str | None:
    """Why this set is none for these measures."""
    if subject.images.level != "series":
        return "a whole study"
    if not is_mr(subject.images):
        return "not MR"
    if not any("mr.signal" in one.numbers for one in subject.images.slices):
        return "no magnitude pictures with an object"
    return None


def _image(name: str, one: Slice | None) -> Measured:
    """Its InstanceNumber."""
    number = None if one is None else one.exam.InstanceNumber
    return (
        NotMeasured(name, Reason.NOT_IN_HEADER, "InstanceNumber")
        if number is None
        else Measurement(name, float(number))
    )


def _unsaid(slices: Sequence[Slice], key: str, at: int, names: Sequence[str]) -> Iterator[Measured]:
    """The commonest reason why no slice has the number."""
    codes = column(slices, key, at)
    code = int(np.bincount(codes[np.isfinite(codes)].astype(int), minlength=1).argmax()) if len(codes) else 0
    reason = Reason.NOT_IN_HEADER if code == 1 else Reason.NOT_RELIABLE
    yield from (NotMeasured(name, reason, WHY[code] or "no slice allows it") for name in names)


def _ghosts(slices: Sequence[Slice], layout: Layout) -> Iterator[Measured]:
    names = ("mr.ghost_percent", "mr.ghost_image")
    percent = column(slices, "mr.ghost", 0)
    seen = np.isfinite(percent)
    if not seen.any():
        yield from _unsaid(slices, "mr.ghost", 4, names)
        return
    both = float(np.mean(column(slices, "mr.ghost", 3)[seen] > 0))
    sure = 1.0 if both >= 0.5 else _ONE_SIDE
    yield Measurement(
        names[0],
        upper(percent),
        confidence=sure if seen.sum() >= _FEWEST else min(sure, _FEW),
        marks=marks.of_ghost(layout.ghost),
    )
    yield _image(names[1], worst(slices, "mr.ghost"))


def _sureness(values: NDArray[np.float64]) -> float:
    """A slice or two may be anything: a picture of one disc, cut at the edge."""
    return _SURE if np.isfinite(values).sum() >= _FEWEST else _FEW


def _wraps(slices: Sequence[Slice], layout: Layout) -> Iterator[Measured]:
    names = ("mr.wrap_score", "mr.wrap_image")
    score = column(slices, "mr.wrap", 0)
    if not np.isfinite(score).any():
        yield from _unsaid(slices, "mr.wrap", 1, names)
        return
    drawn = marks.of_wrap(layout.wrap)
    yield Measurement(names[0], upper(score), confidence=_sureness(score), marks=drawn)
    yield _image(names[1], worst(slices, "mr.wrap"))


def _spikes(slices: Sequence[Slice], layout: Layout) -> Iterator[Measured]:
    names = ("mr.spike_z", "mr.spike_image")
    z = column(slices, "mr.spike", 0)
    if not np.isfinite(z).any():
        yield from (NotMeasured(name, Reason.NOT_RELIABLE, "pictures under 32 pixels") for name in names)
        return
    drawn = marks.of_spike(layout.spike)
    yield Measurement(names[0], float(np.nanmax(z)), confidence=_sureness(z), marks=drawn)
    yield _image(names[1], worst(slices, "mr.spike"))


def _signal(slices: Sequence[Slice], _: Layout) -> Iterator[Measured]:
    yield _air_seen(slices)
    for at, name, why in (
        (1, "mr.snr", "no air that ghosts do not reach, or it is blanked"),
        (2, "mr.snr_inside", "the object is small"),
    ):
        found = column(slices, "mr.signal", at)
        if np.isfinite(found).any():
            yield Measurement(name, float(np.nanmedian(found)))
        else:
            yield NotMeasured(name, Reason.NOT_RELIABLE, why)


def _air_seen(slices: Sequence[Slice]) -> Measured:
    return Measurement("mr.air_seen", bool(np.isfinite(column(slices, "mr.signal", 1)).any()))


def _field(slices: Sequence[Slice], _: Layout) -> Iterator[Measured]:
    name = "mr.nonuniformity_percent"
    percent = nonuniformity_percent([one.numbers["mr.cells"] for one in slices])
    yield (
        NotMeasured(name, Reason.NOT_RELIABLE, "the object is small")
        if percent is None
        else Measurement(name, percent)
    )


def _metrics(slices: Sequence[Slice], _: Layout) -> Iterator[Measured]:
    total = np.sum([one.numbers["mr.sums"].astype(np.float64) for one in slices], axis=0)
    yield _or_none("mr.efc", iqm.efc(total), "no signal")
    yield _or_none("mr.fber", iqm.fber(total), "no air, or it is blanked")
    for at, name in enumerate(("mr.cjv", "mr.cnr", "mr.snrd", "mr.qi1")):
        found = column(slices, "mr.iqm", at)
        seen = found[np.isfinite(found)]
        yield _or_none(name, float(np.median(seen)) if seen.size else None, "no air, or no three kinds of tissue")


def _or_none(name: str, value: float | None, why: str) -> Measured:
    return NotMeasured(name, Reason.NOT_RELIABLE, why) if value is None else Measurement(name, value)
