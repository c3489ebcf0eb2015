"""mr-motion: what the network is shown, and what is said of a series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.acquisition import Acquisition, NoPixels
from models.circumstances import Circumstances
from models.measurement import Measured, Measurement, Measurements, NotMeasured, Reason
from models.mr import MEASURES, network_producers
from models.mr.motion_network import BUNDLE, NAME, MrMotion
from models.mr.motion_picture import SIDE, canvas
from models.sets.image_set import Completeness, ImageSet, Series
from models.sets.producer import SetSubject
from models.sets.record import record_of
from models.training.mr import kspace
from tests.unit.models.mr.heads import head
from tests.unit.models.mr.test_series import POSITIONS, slice_of

STILL = [slice_of(number, z, head(z)) for number, z in enumerate(POSITIONS, 1)]
Array = NDArray[np.float32]


class Asked:
    """A network that keeps what it was shown."""

    version = "9.1"

    def __init__(self, answer: Callable[[int], float] = lambda number: 0.9) -> None:
        self.seen: list[Array] = []
        self._answer = answer

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        self.seen.append(inputs["image"])
        return {"motion": np.array([[self._answer(len(self.seen) - 1)]], np.float32)}


def said(frames: list[Acquisition], network: Asked | None) -> Measured:
    slices = [one for frame in frames for one in record_of([frame], 0, MEASURES)]
    images = ImageSet("series", (Series("k", tuple(slices)),), Completeness(True))
    (fact,) = MrMotion(network).measure(SetSubject(images, Circumstances(0), Measurements()))
    return fact


def why(fact: Measured) -> Reason:
    assert isinstance(fact, NotMeasured)
    assert fact.name == NAME
    return fact.reason


def test_a_series_is_seen_in_eight_pictures_spread_over_it() -> None:
    network = Asked()
    fact = said(STILL, network)
    assert isinstance(fact, Measurement)
    assert fact.value == pytest.approx(0.9, abs=1e-6) and fact.producer == "mr-motion/9.1"
    assert [seen.shape for seen in network.seen] == [(1, 1, SIDE, SIDE)] * 8
    assert all(seen.dtype == np.float32 and 0 <= seen.min() < seen.max() <= 1 for seen in network.seen)
    assert len({seen.tobytes() for seen in network.seen}) > 4  # a drawn head is alike above and below its middle


def test_a_short_series_is_seen_whole() -> None:
    network = Asked()
    said(STILL[8:11], network)
    assert len(network.seen) == 3


def test_the_score_is_the_mean_of_what_the_pictures_say() -> None:
    fact = said(STILL[8:11], Asked(lambda number: number - 3.0))
    assert isinstance(fact, Measurement)
    assert fact.value == pytest.approx(-2.0)
    assert fact.confidence < 0.7


def test_why_nothing_is_said() -> None:
    network = Asked()
    unknown = [replace(one, technique=replace(one.technique, InPlanePhaseEncodingDirection=None)) for one in STILL]
    assert why(said(STILL, None)) is Reason.NO_MODEL
    assert why(said(unknown, network)) is Reason.NOT_IN_HEADER
    assert why(said([replace(STILL[0], pixels=NoPixels("decode_failed"))], network)) is Reason.NOT_APPLICABLE
    assert why(said([replace(STILL[0], exam=replace(STILL[0].exam, Modality="CT"))], network)) is (
        Reason.NOT_APPLICABLE
    )
    planar = [replace(one, technique=replace(one.technique, ScanningSequence=("EP", "SE"))) for one in STILL]
    assert why(said(planar, network)) is Reason.NOT_APPLICABLE
    assert network.seen == []


def test_the_box_asks_the_bundle_by_its_name() -> None:
    (producer,) = network_producers({BUNDLE: Asked()})
    assert producer.provides == {NAME} and producer.name == "mr-motion/9.1"
    assert not producer.needs


def test_the_phase_axis_runs_down() -> None:
    picture = head()
    ghosts = kspace.ghosted(picture, 1, 0.2, 2, np.random.default_rng(0))
    as_shown = canvas(ghosts, 1)
    turned = canvas(np.ascontiguousarray(ghosts.T), 0)
    assert np.array_equal(as_shown, turned)
    column = as_shown[:, SIDE // 2]
    assert column[:20].max() > 0.02  # a ghost half a field away lies above and below, not beside
    assert as_shown[SIDE // 2, :10].max() < 0.02


@pytest.mark.parametrize("side", [96, 160, 256])
def test_a_smaller_matrix_keeps_its_lines(side: int) -> None:
    """What is interpolated has no line outside those that were measured."""
    picture = head(side=side)
    lines = np.abs(kspace.to_k(canvas(picture, 0).astype(complex)))
    beyond = (SIDE - side) // 2 - 8
    if beyond > 0:
        assert lines[:beyond].max() < 0.02 * lines.max()
    assert canvas(picture, 0).shape == (SIDE, SIDE)


def test_the_scale_of_the_values_does_not_matter() -> None:
    picture = head()
    assert canvas(picture * 7, 0) == pytest.approx(canvas(picture, 0), abs=1e-5)
    assert not canvas(np.zeros((64, 64), np.float32), 0).any()


def test_a_larger_matrix_loses_its_outer_lines_only() -> None:
    large = head(side=320)
    k = kspace.to_k(large.astype(complex))
    inner = slice(320 // 2 - SIDE // 2, 320 // 2 + SIDE // 2)
    wanted = kspace.magnitude(k[inner, inner])
    found = canvas(large, 0)
    assert np.corrcoef(found.ravel(), np.clip(wanted, 0, None).ravel())[0, 1] > 0.999
