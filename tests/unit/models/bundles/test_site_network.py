"""A network that is not ours: its declarations, and the facts it then measures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, NoPixels, Pixels, Technique
from capture.errors import Misuse
from models.anatomy.canvas import canvas_of
from models.bundles.bundle import Bundle
from models.bundles.door import Preparation
from models.bundles.site_network import SiteNetwork, prepared
from models.catalogue import add_site_names, catalogue
from models.circumstances import Circumstances
from models.content import drafts
from models.content.load import learn
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.producer import Subject
from tests.unit.models.bundles import networks

DOOR = """
[applies]
modality = ["DX"]
[[fact]]
name = "brightness"
output = "mean"
channel = "brightness"
zh = "亮度"
en = "Brightness"
[[fact]]
name = "bright_share"
output = "maps"
channel = "bright"
read = "area"
at_least = 0.5
unit = "{ratio}"
zh = "亮区比例"
en = "Share that is bright"
[[fact]]
name = "darkest"
output = "maps"
channel = 1
read = "peak"
zh = "最暗"
en = "Darkest"
"""


@pytest.fixture(autouse=True)
def closed_catalogue() -> Iterator[None]:
    yield
    for name in [name for name in catalogue() if name.startswith("x_")]:
        del catalogue()[name]


def bundle_with(folder: Path, door: str = DOOR) -> Bundle:
    networks.write(folder)
    (folder / "configs/qcbox.toml").write_text(door, encoding="utf-8")
    return networks.load(folder)


def film(values: np.ndarray[tuple[int, int], np.dtype[np.float32]], **changes: object) -> Acquisition:
    pixels = Pixels(values, None, None, (0.0, 4095.0), None, None, False, None, 0, 1)
    changed = replace(pixels, **changes)  # type: ignore[arg-type]
    return Acquisition("", Identity(), Exam(Modality="DX"), Technique(), Device(), Display(), changed)


def measured(bundle: Bundle, subject: Acquisition) -> Measurements:
    assert bundle.door is not None
    producer = SiteNetwork(bundle, bundle.door)
    facts = Measurements([Measurement("dicom.Modality", subject.exam.Modality or "")])
    found = Measurements(producer.measure(Subject(subject, Circumstances(received_at=0), facts)))
    assert {fact.name for fact in found} == producer.provides
    return found


def slope(rows: int = 40, columns: int = 80) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.tile(np.linspace(0, 1000, columns, dtype=np.float32), (rows, 1))


def test_channels_become_facts_of_its_own_family(tmp_path: Path) -> None:
    bundle = bundle_with(tmp_path / "two-maps")
    found = measured(bundle, film(slope()))
    image = canvas_of(slope(), 32).image
    assert found.number("x_two_maps.brightness") == pytest.approx(float(image.mean()), abs=1e-4)
    assert found.number("x_two_maps.bright_share") == pytest.approx(
        0.5, abs=0.04
    )  # of the film, not of the square
    assert found.number("x_two_maps.darkest") == pytest.approx(1 - float(image[:16].min()), abs=1e-3)
    fact = found.get("x_two_maps.bright_share")
    assert isinstance(fact, Measurement) and fact.unit == "{ratio}" and fact.producer == "x_two_maps/0.1.0"
    [mark] = fact.marks
    assert mark.kind == "contour" and all(0 <= x <= 1 and 0 <= y <= 1 for x, y in mark.points)
    assert min(x for x, _ in mark.points) == pytest.approx(0.5, abs=0.04)


def test_a_monochrome1_film_is_seen_as_a_person_sees_it(tmp_path: Path) -> None:
    bundle = bundle_with(tmp_path / "two-maps")
    straight = measured(bundle, film(slope())).get("x_two_maps.bright_share")
    turned = measured(bundle, film(slope(), inverted=True)).get("x_two_maps.bright_share")
    assert isinstance(straight, Measurement) and isinstance(turned, Measurement)
    assert max(x for x, _ in turned.marks[0].points) < 0.55 < max(x for x, _ in straight.marks[0].points)


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (replace(film(slope()), exam=Exam(Modality="CT")), Reason.NOT_APPLICABLE),
        (replace(film(slope()), exam=Exam()), Reason.NOT_APPLICABLE),
        (film(slope(), frames=12), Reason.NOT_APPLICABLE),
        (replace(film(slope()), pixels=NoPixels("truncated")), Reason.NO_PIXELS),
    ],
)
def test_where_it_does_not_apply_it_says_so(tmp_path: Path, subject: Acquisition, reason: Reason) -> None:
    found = measured(bundle_with(tmp_path / "two-maps"), subject)
    assert {fact.reason for fact in found if isinstance(fact, NotMeasured)} == {reason} and len(found) == 3


def test_pictures_and_scales_from_the_closed_lists(tmp_path: Path) -> None:
    tensor = bundle_with(tmp_path / "two-maps").metadata.network_data_format.inputs["image"]
    wide = tensor.model_copy(update={"num_channels": 3, "spatial_shape": (20, 60)})
    pixels = film(slope()).pixels
    assert isinstance(pixels, Pixels)

    def made(scale: str, shape: object = wide) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        how = Preparation.model_validate({"picture": "window", "scale": scale})
        return prepared(pixels, how, shape).image  # type: ignore[arg-type]

    unit = made("unit")
    assert unit.shape == (1, 3, 20, 60) and unit.dtype == np.float32 and (unit[0, 0] == unit[0, 2]).all()
    assert (unit.min(), unit.max()) == pytest.approx((0, 1), abs=0.01)
    np.testing.assert_allclose(made("symmetric"), unit * 2 - 1, atol=1e-6)
    assert made("standard").mean() == pytest.approx(0, abs=1e-4)
    assert made("standard").std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(made("imagenet")[0, 2], (unit[0, 2] - 0.406) / 0.225, atol=1e-5)
    padding = np.zeros((40, 80), bool)
    padding[:, 40:] = True
    pixels = replace(pixels, padding=padding)
    assert made("unit")[0, 0, :, 31:].max() == 0 and made("unit")[0, 0].max() > 0.9


def test_sigmoid_and_softmax_do_not_overflow(tmp_path: Path) -> None:
    from models.bundles.site_network import _activated

    channels = np.array([-1000, 0, 1000], np.float32)
    np.testing.assert_allclose(_activated(channels, "sigmoid"), [0, 0.5, 1])
    np.testing.assert_allclose(_activated(channels, "softmax"), [0, 0, 1])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("[applies]", "[applied]"), "applies"),
        (('modality = ["DX"]', 'modality = "DX"'), "applies.modality"),
        (('output = "mean"', 'output = "median"'), "fact.0.output"),
        (('channel = "brightness"', 'channel = "darkness"'), "fact.0.channel"),
        (("channel = 1", "channel = 2"), "fact.2.channel"),
        (('read = "peak"', 'read = "median"'), "fact.2.read"),
        (('name = "darkest"', 'name = "brightness"'), "fact: two facts"),
        (('name = "darkest"', 'name = "Darkest One"'), "fact.2.name"),
        (("at_least = 0.5", "at_least = 1.5"), "fact.1.at_least"),
        (("[[fact]]", '[input]\nscale = "imagenet"\n[[fact]]'), "input.scale"),
        (("[[fact]]", '[input]\nrun = "os.system"\n[[fact]]'), "input.run"),
        (("[applies]", "[applies"), "qcbox.toml"),
        (("[applies]", "x = " + "[" * 3000 + "\n[applies]"), "qcbox.toml"),
    ],
)
def test_declarations_that_are_wrong_say_where(tmp_path: Path, change: tuple[str, str], place: str) -> None:
    with pytest.raises(Misuse, match=place) as caught:
        bundle_with(tmp_path / "two-maps", DOOR.replace(*change, 1))
    assert caught.value.code == "bundle.door"


def test_a_network_of_another_form_than_a_picture_is_refused(tmp_path: Path) -> None:
    described = networks.metadata()
    described["network_data_format"]["inputs"]["image"]["spatial_shape"] = [96, 96, 96]
    folder = networks.write(tmp_path / "two-maps", described=described)
    assert networks.load(folder).door is None  # it may lie there, and nothing uses it
    (folder / "configs/qcbox.toml").write_text(DOOR, encoding="utf-8")
    with pytest.raises(Misuse, match="fixed rows and columns"):
        networks.load(folder)


def test_its_facts_enter_the_catalogue_and_take_no_name_of_ours(tmp_path: Path) -> None:
    bundle_with(tmp_path / "two-maps")
    learn(drafts.networks([tmp_path]))
    learn(drafts.networks([tmp_path / "two-maps"]))  # the agent and a reload: the same again is no clash
    entry = catalogue()["x_two_maps.bright_share"]
    assert (entry.unit, entry.zh, entry.needs_model, entry.leaves_site) == (
        "{ratio}",
        "亮区比例",
        "two-maps",
        True,
    )
    with pytest.raises(ValueError, match=r"chest\.margin_top_mm"):
        add_site_names({"chest.margin_top_mm": replace(entry, name="chest.margin_top_mm", unit="mm")})


def test_networks_whose_families_would_be_one_are_refused(tmp_path: Path) -> None:
    bundle_with(tmp_path / "two-maps")
    bundle_with(tmp_path / "two_maps", DOOR.replace("亮度", "暗度"))
    with pytest.raises(Misuse, match="x_two_maps"):
        drafts.networks([tmp_path])
