"""How a measure of CT series is a producer: for which kinds it is, and what it says where it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from models.catalogue import catalogue
from models.ct.look import Look, look_at
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.sets.producer import SetSubject
from models.sets.volume import NoVolume


@dataclass(frozen=True, slots=True)
class CtMeasure:
    """``look`` reports its ``provides``; unit and producer are filled in. Empty ``kinds``: of every CT."""

    name: str
    provides: frozenset[str]
    look: Callable[[Look, SetSubject], Iterable[Measured]]
    kinds: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset({"exam.kind"})

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        kind = subject.so_far.text("exam.kind") or ""
        if kind.startswith("phantom") or (self.kinds and kind not in self.kinds):
            yield from self._none(NoVolume(Reason.NOT_APPLICABLE, "another kind of examination"))
            return
        look = look_at(subject.images)
        if isinstance(look, NoVolume):
            yield from self._none(look)
            return
        for fact in self.look(look, subject):
            if isinstance(fact, Measurement):
                yield replace(fact, unit=catalogue()[fact.name].unit, producer=self.name)
            else:
                yield fact

    def _none(self, why: NoVolume) -> Iterable[NotMeasured]:
        return [why.of(name) for name in sorted(self.provides)]


def unreliable(names: Iterable[str], detail: str) -> list[Measured]:
    """Facts that this series cannot give."""
    return [NotMeasured(name, Reason.NOT_RELIABLE, detail) for name in sorted(names)]
