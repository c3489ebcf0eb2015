"""What a folder becomes: one package, the same everywhere, that says what its files say."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import get_args

import pytest

from capture.errors import Misuse
from capture.screen.template import Anchor, Box, Template
from cloud_sync.updates import listing, terms
from models.bundles.files import SEAL, seal
from models.content import factory
from models.content.drafts import packages
from models.content.kinds import MOST, kind_of
from models.content.manifest import NAME, Area, Kind
from models.content.package import Package, open_package, pack_up, packed
from models.rules.pack import read_pack
from tests.unit.models.bundles import networks
from tests.unit.models.content.zips import FILES
from tests.unit.models.rules.packs import NAMES, head, standard, write


def opened(folder: Path, kind: Kind = "pack") -> Package:
    return open_package(pack_up(folder, kind))


def refused(folder: Path, kind: Kind = "pack") -> str:
    with pytest.raises(Misuse) as caught:
        pack_up(folder, kind)
    assert caught.value.text.zh != caught.value.text.en
    return caught.value.code


def test_the_words_are_those_of_the_wire() -> None:
    """Models may not import the wire, so both sides say them."""
    assert set(get_args(Kind)) == set(get_args(terms.Kind))
    assert set(get_args(Area)) == set(get_args(terms.Area))


def test_a_pack_says_what_it_is(tmp_path: Path) -> None:
    package = opened(standard(tmp_path))
    about = package.manifest
    assert (about.name, about.version, about.kind, about.area) == ("test-pack", 3, "pack", "general")
    assert (about.title.zh, about.title.en, about.authors) == ("试验", "Trial", ("a physicist",))
    assert about.selftest == 7
    assert package.sha256 == hashlib.sha256(pack_up(standard(tmp_path), "pack")).hexdigest()
    assert about.path == listing.target_path("general", "test-pack", 3)


def test_a_bundle_says_what_it_is(tmp_path: Path) -> None:
    described = networks.metadata(version="1.2.3rc1", qcbox={"task_zh": "找出亮处", "min_agent": "0.2"})
    about = opened(networks.write(tmp_path / "Two_Maps", described=described), "bundle").manifest
    assert (about.name, about.version, about.title.zh, about.title.en) == (
        "two-maps", 1_002_003, "找出亮处", "Find what is bright",
    )  # fmt: skip
    assert (about.area, about.min_agent, about.selftest) == ("general", "0.2", 0)


@pytest.mark.parametrize(
    ("scope", "area"),
    [
        ('modality = ["CT", "SR"]', "ct"),
        ('modality = ["MR"]', "mr"),
        ('modality = ["CR", "DX"]', "radiography"),
        ('modality = ["CR", "CT"]', "general"),
        ('modality = ["US"]', "general"),
        ('medium = ["screen"]', "screen"),
        ("", "general"),
    ],
)
def test_who_answers_for_a_pack_follows_from_its_scope(tmp_path: Path, scope: str, area: str) -> None:
    assert opened(write(tmp_path / "p", head(scope=scope))).manifest.area == area


@pytest.mark.parametrize("version", ["v1", "latest", "0.0.0"])
def test_a_network_needs_a_version_of_numbers(tmp_path: Path, version: str) -> None:
    folder = networks.write(tmp_path / "two-maps", described=networks.metadata(version=version))
    assert refused(folder, "bundle") == "content.version"


def test_the_same_folder_is_the_same_package_wherever_and_whenever(tmp_path: Path) -> None:
    first = pack_up(standard(tmp_path), "pack")
    again = standard(tmp_path / "elsewhere")
    for file in again.iterdir():
        os.utime(file, (1, 1))
        file.chmod(0o700)
    assert pack_up(again, "pack") == first
    assert [package.sha256 for package in packages([again])] == [hashlib.sha256(first).hexdigest()]


def test_a_package_on_the_disk_and_its_folder_are_one(tmp_path: Path) -> None:
    file = tmp_path / "test-pack-3.zip"
    file.write_bytes(pack_up(standard(tmp_path), "pack"))
    [from_file], [from_folder] = list(packages([file])), list(packages([tmp_path / "standard"]))
    assert from_file == from_folder


def test_other_programs_can_open_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(pack_up(standard(tmp_path), "pack"))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == archive.namelist() == ["cases.toml", NAME, "pack.toml", "rules.toml"]
        assert json.loads(archive.read(NAME))["files"].keys() == {"cases.toml", "pack.toml", "rules.toml"}


def test_the_seal_is_checked_and_not_carried(tmp_path: Path) -> None:
    folder = networks.write(tmp_path / "two-maps")
    before = opened(folder, "bundle")
    seal(folder)
    assert opened(folder, "bundle") == before
    assert SEAL not in before.files


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_empty_folder_is_nothing(tmp_path: Path, kind: Kind) -> None:
    assert kind_of(tmp_path) is None
    assert refused(tmp_path, kind) == "content.lacks"


def test_a_template_names_itself(tmp_path: Path) -> None:
    template = Template(
        id="dr-console", version=4, title="DR", modality="DX", width=960, height=540, pixel_format="bgr24",
        anchors=(Anchor(box=Box(x=0, y=0, w=8, h=8), patch=""),) * 2, image=Box(x=440, y=20, w=500, h=500),
        fields=(), event_mode="exposure",
    )  # fmt: skip
    folder = tmp_path / "anything"
    folder.mkdir()
    (folder / "template.json").write_bytes(template.dump())
    about = opened(folder, "template").manifest
    assert (about.name, about.version, about.area, about.selftest) == ("dr-console", 4, "screen", 0)
    assert kind_of(folder) == "template"


def test_a_pack_under_another_name_or_version_is_not_read() -> None:
    """Somebody signs a manifest of his own over files of another pack."""
    package = open_package(packed("test-pack", FILES, "pack"))
    for change in ({"name": "other"}, {"version": 4}):
        manifest = package.manifest.model_copy(update=change)
        with pytest.raises(Misuse) as caught:
            read_pack(replace(package, manifest=manifest), NAMES)
        assert caught.value.code == "pack.manifest"


def test_a_table_of_reference_levels_only_sets_limits(tmp_path: Path) -> None:
    change = '[[override]]\nrule = "T1.tilt"\nlimit = { fail_deg = 12.0 }\n'
    fine = opened(write(tmp_path / "a", head("levels", "L4"), change), "drl")
    assert read_pack(fine, NAMES).overrides[0].limit == {"fail_deg": 12.0}
    for more in ("enabled = false\n", 'severity = "minor"\n'):
        spoiled = opened(write(tmp_path / "b", head("levels", "L4"), change + more), "drl")
        with pytest.raises(Misuse) as caught:
            read_pack(spoiled, NAMES)
        assert caught.value.code == "pack.table"
    whole = opened(standard(tmp_path), "drl")
    with pytest.raises(Misuse, match=r"pack\.table"):
        read_pack(whole, NAMES)


def test_limits_of_size() -> None:
    assert max(MOST.values()) < 2**31
    assert all(package.length < MOST[package.kind] for package in factory.packages())
