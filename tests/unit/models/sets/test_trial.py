"""A network on trial that speaks of series: it is asked in the shadow, and nothing else is measured twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from models.circumstances import Circumstances
from models.content import drafts
from models.judge import Content
from models.measurement import Measured, Measurement, Measurements
from models.sets.image_set import ImageSet
from models.sets.judge import judge_set
from models.sets.producer import SetSubject
from tests.unit.models.sets.slices import CT, WHOLE, series, stack


@dataclass(eq=False)
class Says:
    """A producer of one fact that counts how often it is asked."""

    name: str
    fact: str
    value: float
    needs: frozenset[str] = frozenset()
    asked: list[Measurements] = field(default_factory=list)

    @property
    def provides(self) -> frozenset[str]:
        return frozenset((self.fact,))

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        self.asked.append(subject.so_far)
        yield Measurement(self.fact, self.value)


def test_only_what_the_trial_changes_is_measured_again() -> None:
    classical = Says("classical/1", "mr.efc", 0.5)
    old, new = Says("network/1", "mr.motion_score", 0.1), Says("network/1", "mr.motion_score", 0.9)
    behind = Says("behind/1", "mr.fber", 1.0, needs=frozenset(("mr.motion_score",)))
    content = Content((), drafts.rules(), set_producers=(classical, old, behind))
    trial = replace(content, set_producers=(classical, new, behind))
    judgement = judge_set(
        ImageSet("series", (series(stack(CT, 3)),), WHOLE), replace(content, trial=trial), Circumstances(0)
    )
    assert judgement.shadow is not None and judgement.shadow.mode == "shadow"
    assert [len(one.asked) for one in (classical, old, new, behind)] == [1, 1, 1, 2]
    assert [seen.get("mr.motion_score") for seen in behind.asked] == [
        Measurement("mr.motion_score", 0.1),
        Measurement("mr.motion_score", 0.9),
    ]
    assert judgement.measurements.get("mr.motion_score") == Measurement("mr.motion_score", 0.1)
