"""How a producer of sets states its facts: name by name an answer, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from models.catalogue import catalogue
from models.measurement import Measured, Measurement, NotMeasured
from models.reporting import Answers, Missing
from models.sets.producer import SetSubject


@dataclass(frozen=True, slots=True)
class SetReporter:
    """A producer of sets made of one function. The unit comes from the catalogue."""

    name: str
    provides: frozenset[str]
    report: Callable[[SetSubject], Answers]
    needs: frozenset[str] = frozenset()

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        """Every answer as a fact."""
        for name, answer in self.report(subject).items():
            if isinstance(answer, Missing):
                yield NotMeasured(name, answer.reason, answer.detail)
            else:
                number = isinstance(answer, int | float) and not isinstance(answer, bool)
                value = float(answer) if number and not isinstance(answer, str | tuple) else answer
                yield Measurement(name, value, catalogue()[name].unit, self.name)
