"""PA09: an object over a lung counts, one beside it is drawn only, and why there may be no answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from models.anatomy import foreign_object
from models.anatomy.film import ChestsOf
from models.anatomy.foreign_object import ABSENT, PRESENT
from models.anatomy.foreign_object_marks import spots_of
from models.circumstances import Circumstances
from models.image.metric import Metric
from models.image.views import ViewsOf
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.producer import Network, Subject
from tests.unit.models.anatomy.drawn import Drawing, DrawnNetwork
from tests.unit.models.anatomy.test_chest_producers import PLAIN, film

CIRCUMSTANCES = Circumstances(received_at=0)
SIDE_MM = 405.0
"""Of the square around the phantom's film of 360 mm by 405 mm."""
CELLS = 96
NOTHING = pytest.approx(0, abs=1e-5)


class Finder:
    """Marks circles in mm of the film: (x, y, radius, probability), of objects and of devices."""

    def __init__(self, *objects: tuple[float, float, float, float], devices: int = 0) -> None:
        y, x = (np.mgrid[0:CELLS, 0:CELLS] + 0.5) * SIDE_MM / CELLS
        self._maps = np.zeros((1, 2, CELLS, CELLS), np.float32)
        for number, (cx, cy, radius, probability) in enumerate(objects):
            channel = 1 if number < devices else 0
            self._maps[0, channel][np.hypot(x - cx, y - cy) <= radius] = probability

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        canvas, mirror_image = inputs["image"]
        assert canvas.shape == (1, 384, 384) and canvas.dtype == np.float32
        assert np.array_equal(mirror_image, canvas[..., ::-1])
        return {"objects": np.concatenate([self._maps, self._maps[..., ::-1]])}


def facts(finder: Network | None, drawing: Drawing = PLAIN, kind: str = "chest_pa") -> Measurements:
    chests = ChestsOf(lambda: DrawnNetwork(drawing), lambda *_: None)
    look = foreign_object.measured(chests, lambda: finder)
    metric = Metric("foreign-object/2", foreign_object.NAMES, look, ViewsOf())
    so_far = Measurements([Measurement("exam.kind", kind)])
    return Measurements(metric.measure(Subject(film(), CIRCUMSTANCES, so_far)))


def found(of: Measurements) -> tuple[Measurement, Measurement]:
    both = of.get("chest.foreign_object_probability"), of.get("chest.foreign_object_lung_ratio")
    assert isinstance(both[0], Measurement) and isinstance(both[1], Measurement), both
    return both[0], both[1]


def test_an_object_over_a_lung_is_found_where_it_is() -> None:
    probability, ratio = found(facts(Finder((105, 180, 20, 0.9))))
    assert probability.value == pytest.approx(0.9)
    (region,) = probability.regions
    middle = (region.left + region.right) / 2 * 360, (region.top + region.bottom) / 2 * 405
    assert middle == pytest.approx((105, 180), abs=5)
    assert (region.right - region.left) * 360 == pytest.approx(40, abs=7)
    lung = np.pi * 60 * 130
    assert ratio.value == pytest.approx(np.pi * 20**2 / lung, rel=0.2)
    (mark,) = probability.marks
    assert (mark.kind, mark.name) == ("heat", "foreign_object") and mark.weight == pytest.approx(0.9, abs=1e-3)
    assert np.ptp([x for x, _ in mark.points]) * 360 == pytest.approx(40, abs=7)


@pytest.mark.parametrize(
    ("probability", "told"),
    [(ABSENT - 0.01, True), (ABSENT + 0.01, False), (PRESENT - 0.01, False), (PRESENT + 0.01, True)],
)
def test_between_absent_and_present_nobody_is_told_either(probability: float, told: bool) -> None:
    fact = facts(Finder((105, 180, 20, probability))).get("chest.foreign_object_probability")
    if told:
        assert isinstance(fact, Measurement) and fact.value == pytest.approx(probability)
    else:
        assert isinstance(fact, NotMeasured) and fact.reason is Reason.TOO_CLOSE


def test_an_object_beside_the_lungs_is_drawn_and_does_not_count() -> None:
    probability, ratio = found(facts(Finder((180, 380, 12, 0.95))))
    assert probability.value == NOTHING and ratio.value == 0
    assert not probability.regions and [mark.name for mark in probability.marks] == ["foreign_object"]


def test_a_device_is_drawn_and_does_not_count() -> None:
    probability, ratio = found(facts(Finder((105, 180, 20, 0.95), devices=1)))
    assert probability.value == NOTHING and ratio.value == 0
    assert [mark.name for mark in probability.marks] == ["medical_device"]


def test_a_clean_film_has_no_mark() -> None:
    probability, ratio = found(facts(Finder()))
    assert probability.value == NOTHING
    assert (ratio.value, probability.marks, probability.regions) == (0, (), ())


def test_the_larger_share_of_one_lung_counts() -> None:
    _, ratio = found(facts(Finder((105, 180, 40, 0.9), (250, 185, 10, 0.9))))
    assert ratio.value == pytest.approx(np.pi * 40**2 / (np.pi * 60 * 130), rel=0.1)


@pytest.mark.parametrize(
    ("finder", "drawing", "kind", "reason"),
    [
        (None, PLAIN, "chest_pa", Reason.NO_MODEL),
        (Finder(), Drawing(360, 405, lung_left=None), "chest_pa", Reason.NOT_RELIABLE),
        (Finder(), PLAIN, "chest_lateral", Reason.NOT_APPLICABLE),
    ],
)
def test_without_network_lungs_or_a_frontal_view_there_is_no_answer(
    finder: Network | None, drawing: Drawing, kind: str, reason: Reason
) -> None:
    for fact in facts(finder, drawing, kind):
        assert isinstance(fact, NotMeasured) and fact.reason == reason


def test_marks_of_a_map() -> None:
    grid = np.zeros((20, 20), np.float32)
    grid[2:4, 2:4], grid[10, 5:9], grid[10, 10:12] = 0.4, 0.8, 0.3
    first, second = spots_of(grid)
    assert [first.peak, second.peak] == pytest.approx([0.8, 0.4])
    assert first.cells[10, 9], "a gap of one cell is closed"
