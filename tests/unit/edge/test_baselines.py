"""Baselines in the database: learned, corrected, repeated, reset, seeded, and drifting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from capture.acquisition import Device
from edge.store import baseline_seeds, baselines, devices
from edge.store.database import Database
from edge.store.schema import baseline_value, case
from models.baseline import FIRST, LAST, LEAST, RECENT, Alike, Lesson, Seed, applying
from models.circumstances import Baseline

NOISE = "noise.two_scale_sigma"
HERE = Alike("DX", "CHEST", "PA", "Thorax", software="VA1", detector="W")
DEVICE = Device("Maker", "Model", "77")


class Box:
    """One device's history."""

    def __init__(self, folder: Path) -> None:
        self.db = Database(folder / "q.db")
        self.key = devices.device_key(DEVICE, "AE")
        self.device = self.db.write(lambda c: devices.seen(c, self.key, DEVICE, "AE", "DX", 1))
        self.at = 0

    def learn(
        self, value: float | None, to: Alike = HERE, again: str | None = None, by: str = ""
    ) -> tuple[str, ...]:
        self.at += 1
        case_id = again or f"case-{self.at}"
        if again is None:
            row = {"id": case_id, "sha256": "0", "size": 1, "kind": "dicom", "source": "dicom", "calling_ae": "AE"}
            row |= {"peer": "", "received_at": self.at, "state": "judged", "updated_at": self.at}
            self.db.write(lambda c: c.execute(insert(case).values(row)))
        lessons = {} if value is None else {NOISE: Lesson(value, by)}
        return self.db.write(lambda c: baselines.learn(c, self.device, case_id, to, lessons, self.at))

    def learn_all(self, values: Sequence[float], to: Alike = HERE) -> tuple[str, ...]:
        drifts: tuple[str, ...] = ()
        for value in values:
            drifts += self.learn(value, to)
        return drifts

    def applying(self, to: Alike = HERE) -> tuple[Baseline, ...]:
        found = self.db.read(lambda c: baselines.kept(c, baselines.sent_by("AE")))
        assert set(found) == set(self.db.read(lambda c: baselines.kept(c, baselines.named(self.key))))
        return applying(found, self.key, to)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.db.close()


def test_the_latest_numbers_make_it_and_every_one_is_kept(box: Box) -> None:
    box.learn_all([1.0] * 5 + [3.0] * LAST)
    assert box.applying() == (Baseline(NOISE, 3.0, 0.0, LAST),)
    assert len(box.db.read(lambda c: c.execute(select(baseline_value)).all())) == LAST + 5
    points = box.db.read(lambda c: baselines.history(c, box.device, HERE, NOISE, 300))
    assert [point.value for point in points[:6]] == [1.0] * 5 + [3.0]


def test_a_corrected_verdict_replaces_its_number_and_one_that_teaches_nothing_takes_it_back(box: Box) -> None:
    box.learn_all([1.0, 2.0])
    box.learn(5.0, again="case-1")
    assert box.applying() == (Baseline(NOISE, 3.5, 1.5, 2),)
    box.learn(None, again="case-1")
    assert box.applying() == (Baseline(NOISE, 2.0, 0.0, 1),)


def test_another_software_or_detector_is_learned_anew_and_the_old_one_is_kept(box: Box) -> None:
    box.learn_all([1.0] * LEAST)
    new, table = replace(HERE, software="VA2"), replace(HERE, detector="T")
    assert box.applying(new) == ()
    box.learn(9.0, new)
    box.learn(4.0, table)
    assert box.applying(new) == (Baseline(NOISE, 9.0, 0.0, 1),)
    assert box.applying(HERE) == (Baseline(NOISE, 1.0, 0.0, LEAST),)
    points = box.db.read(lambda c: baselines.history(c, box.device, HERE, NOISE))
    assert [(point.software, point.detector) for point in points[-2:]] == [("VA2", "W"), ("VA1", "T")]
    rows = box.db.read(lambda c: baselines.of_device(c, box.device))
    assert {(row.alike.software, row.current) for row in rows} == {("VA1", True), ("VA2", False)}


def test_a_reset_begins_again_and_keeps_the_history(box: Box) -> None:
    box.learn_all([1.0] * LEAST)
    assert box.db.write(lambda c: baselines.reset(c, box.device, box.at, "other.name")) == 0
    assert box.db.write(lambda c: baselines.reset(c, box.device, box.at, NOISE)) == 1
    assert box.applying() == (Baseline(NOISE, 0.0, 0.0, 0),)
    box.learn(7.0)
    assert box.applying() == (Baseline(NOISE, 7.0, 0.0, 1),)
    points = box.db.read(lambda c: baselines.history(c, box.device, HERE, NOISE))
    assert [point.counts for point in points] == [False] * LEAST + [True]


def test_what_another_version_measures_is_learned_anew(box: Box) -> None:
    """A network of the centre takes the place of one whose level is another."""
    box.learn_all([3.0] * 4)
    box.learn(5.0, by="noise/1")
    assert box.applying() == (Baseline(NOISE, 3.0, 0.0, 5, producer="noise/1"),)  # who was not named was this one
    box.learn(9.0, by="noise/2")
    assert box.applying() == (Baseline(NOISE, 9.0, 0.0, 1, producer="noise/2"),)
    box.learn(8.0, again="case-1", by="noise/2")
    assert box.applying() == (Baseline(NOISE, 8.5, 0.5, 2, producer="noise/2"),)
    points = box.db.read(lambda c: baselines.history(c, box.device, HERE, NOISE))
    assert [point.counts for point in points] == [True] + [False] * 4 + [True]


def test_a_version_that_is_taken_back_finds_its_numbers_again(box: Box) -> None:
    for value, by in ((3.0, "noise/1"), (3.2, "noise/1"), (9.0, "noise/2"), (3.1, "noise/1")):
        box.learn(value, by=by)
    (known,) = box.applying()
    assert (known.median, known.count, known.producer) == (3.1, 3, "noise/1")
    points = box.db.read(lambda c: baselines.history(c, box.device, HERE, NOISE))
    assert [point.counts for point in points] == [True, True, False, True]
    box.db.write(lambda c: baselines.reset(c, box.device, box.at))
    box.learn(9.0, by="noise/2")
    assert box.applying() == (Baseline(NOISE, 9.0, 0.0, 1, producer="noise/2"),)


def test_a_drift_of_one_version_says_nothing_of_the_next(box: Box) -> None:
    steady = [10.0, 10.5, 9.5, 10.2, 9.8] * (FIRST // 5)
    for value in (*steady, *[12.0] * RECENT):
        box.learn(value, by="noise/1")
    assert box.db.read(baselines.drifting) == {box.device: (NOISE,)}
    box.learn(12.0, by="noise/2")
    assert box.db.read(baselines.drifting) == {}
    assert box.learn(12.0, by="noise/1") == (NOISE,)


def test_a_seed_serves_until_the_device_has_learned_and_not_its_next_software(box: Box) -> None:
    given = Seed(Alike("DX", view="PA"), Baseline(NOISE, 5.0, 1.0, 200, seeded=True), "sister room")
    box.db.write(lambda c: baseline_seeds.give(c, box.device, [given], 1))
    seeded = Baseline(NOISE, 5.0, 1.0, 200, seeded=True)
    assert box.applying() == (seeded,)
    box.learn_all([3.0] * (LEAST - 1))
    assert box.applying() == (seeded,)
    assert box.applying(replace(HERE, software="VA2")) == ()
    box.learn(3.0)
    assert box.applying() == (Baseline(NOISE, 3.0, 0.0, LEAST),)
    box.db.write(
        lambda c: baseline_seeds.give(
            c, box.device, [replace(given, baseline=replace(given.baseline, median=6.0))], 2
        )
    )
    (now,) = box.db.read(lambda c: baseline_seeds.of_device(c, box.device))
    assert (now.baseline.median, now.alike.software) == (6.0, "VA1")


def test_a_drift_is_told_once_and_ends_with_a_reset(box: Box) -> None:
    steady = [10.0, 10.5, 9.5, 10.2, 9.8] * (FIRST // 5)
    assert box.learn_all([*steady, *[10.0] * RECENT]) == ()
    assert box.learn_all([12.0] * RECENT) == (NOISE,)
    (row,) = box.db.read(lambda c: baselines.of_device(c, box.device))
    assert row.drift is not None and row.drift > 3 and row.drifted_at is not None
    assert box.db.read(baselines.drifting) == {box.device: (NOISE,)}
    box.db.write(lambda c: baselines.reset(c, box.device, box.at))
    assert box.db.read(baselines.drifting) == {}
