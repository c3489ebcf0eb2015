"""Samples, the second simulator, the fit of the motion model and the proof, on films drawn here."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.image import motion
from models.training.degradations import motion_fit, proof, second
from models.training.degradations.samples import FAULTS, burnt_out, sample_of
from models.training.manifest import read_manifest
from models.training.split import part_of
from tests.unit.models.image.test_motion import textured
from tests.unit.models.training.films import film


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("films")
    rows = ["image,source,tier,licence,view,age_group,patient"]
    for number in range(24):
        cv2.imwrite(str(made / f"{number:02}.png"), (255 * textured(number)).astype(np.uint8))
        rows.append(f"{number:02}.png,house,open,own,PA,adult,p{number}")
    (made / "manifest.csv").write_text("\n".join(rows))
    return made


@pytest.mark.parametrize("simulator", proof.SIMULATORS)
@pytest.mark.parametrize("share", [0.05, 0.4])
def test_so_much_of_the_lungs_is_burnt_out_whatever_lies_beside_them(simulator: str, share: float) -> None:
    plain, lungs = film(), np.zeros((60, 50), bool)
    lungs[15:45, 8:42] = True
    fault = burnt_out(lungs)
    made = (fault.first if simulator == "first" else fault.second)(plain, share, rng())
    here = made[cv2.resize(lungs.astype(np.uint8), plain.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0]
    assert float((here <= made.min() + 1e-6).mean()) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_second_way_does_nothing_at_zero_and_more_with_more(fault: object) -> None:
    assert isinstance(fault, type(FAULTS[0]))
    plain = film()
    assert np.abs(fault.second(plain, 0.0, rng()) - plain).max() < 1e-6
    change = [
        float(np.abs(fault.second(plain, fault.magnitude(level), rng()) - plain).mean()) for level in (0.3, 0.9)
    ]
    assert 0 < change[0] < change[1]


def test_counted_noise_has_its_strength() -> None:
    even = np.full((200, 200), 0.5, np.float32)
    assert second.counted(even, 0.03, rng()).std() == pytest.approx(0.03, rel=0.05)


def test_levels_and_samples_are_what_they_say() -> None:
    fault = FAULTS[0]
    assert fault.magnitude(0) == 0 and fault.magnitude(1) == pytest.approx(fault.most)
    assert fault.magnitude(fault.visible_level) == pytest.approx(fault.visible)
    one, same, other = (sample_of(film(), fault, 0.5, seed) for seed in ("a", "a", "b"))
    assert np.array_equal(one.film, same.film)
    assert one.film.shape != other.film.shape or not np.array_equal(one.film, other.film)


def test_a_fit_separates_moved_from_still_and_is_read_back(folder: Path, tmp_path: Path) -> None:
    films = [one for one in read_manifest(folder) if part_of(one) == "train"]
    drawn = list(motion_fit.draw(films, "first", 10, levels=(0.3, 0.6, 0.9)))
    fitted = motion_fit.fit(drawn)
    odds = {
        kind: [fitted.probability[0] + fitted.probability[1:] @ one.features for one in drawn if one.kind == kind]
        for kind in ("", "motion")
    }
    assert np.median(odds["motion"]) > 0 > np.median(odds[""])
    motion_fit.write(fitted, tmp_path / "motion.toml", "a test")
    assert (tmp_path / "motion.toml").read_text().startswith("# a test\nprobability = [")
    assert len(fitted.level) == len(motion.model().level)


def test_a_metric_says_more_of_a_stronger_fault() -> None:
    for fault in FAULTS:
        if fault.name == "motion":
            continue
        weak, strong = (
            proof.said_of(fault.name, sample_of(film(600, 520), fault, level, "seed").film)[1]
            for level in (0.4, 1.0)
        )
        assert strong > weak, fault.name
