"""The doctor sees what is wrong and says what to do."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from capture.screen import words
from capture.screen.frame import Seen
from capture.screen.window import Window
from capture.text import Bilingual
from edge.check import Check
from edge.cli import build
from edge.content.chosen import package_path
from edge.doctor import examine
from edge.doctor_machine import wal_reset_bug
from edge.settings import Settings
from models.bundles import golden
from models.bundles.door import DOOR
from models.catalogue import catalogue
from models.content import factory
from models.content.package import open_package, pack_up
from tests.signed_content import Publisher, bring, pack
from tests.unit.edge.box import make_box
from tests.unit.models.bundles import networks
from tests.unit.models.bundles.test_site_network import DOOR as DECLARED


def settings(folder: Path, **sections: object) -> Settings:
    base: dict[str, object] = {"data_dir": folder, "link": {"enabled": False}, "spool": {"min_free_mb": 1}}
    return Settings.model_validate({**base, "dicom": {"port": 0}, "console": {"port": 0}, **sections})


def look(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def small_factory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One pack ships, but for one test; names that a network brings leave the catalogue again."""
    shipped = [open_package(pack_up(factory.PACKS / "dicom-header", "pack"))]
    if request.function is not test_everything_is_looked_at_and_says_what_to_do:
        monkeypatch.setattr(factory, "packages", lambda: iter(shipped))
    yield
    for name in [name for name in catalogue() if name.startswith("x_")]:
        del catalogue()[name]


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False),
        ((3, 45, 0), True), ((3, 50, 6), True), ((3, 50, 7), False), ((3, 51, 2), True), ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)  # fmt: skip
def test_the_wal_reset_bug(version: tuple[int, int, int], affected: bool) -> None:
    assert wal_reset_bug(version) is affected


def test_everything_is_looked_at_and_says_what_to_do(tmp_path: Path) -> None:
    checks = examine(settings(tmp_path))
    names = [check.name for check in checks]
    assert names == sorted(set(names), key=names.index)
    assert {"python", "sqlite", "content", "decoders", "disk", "spool", "clock", "broker"} <= set(names)
    for check in checks:
        assert check.text.zh and check.text.en
        assert (check.hint is None) == (check.state == "ok"), check.name
    assert look(checks, "content").state == "ok"
    assert look(checks, "decoders").state == "ok"


def test_a_port_that_answers_and_a_broker_that_answers(tmp_path: Path, taken_port: int) -> None:
    answering = settings(tmp_path, dicom={"host": "127.0.0.1", "port": taken_port}, link={"port": taken_port})
    checks = examine(answering)
    assert look(checks, "dicom port").state == "ok"
    assert look(checks, "broker").state == "ok"


def test_a_broker_that_is_away_loses_nothing(tmp_path: Path, taken_port: int) -> None:
    checks = examine(settings(tmp_path, link={"port": 1}))
    assert look(checks, "broker").state == "warning"


def test_a_port_that_cannot_be_had(tmp_path: Path) -> None:
    checks = examine(settings(tmp_path, console={"host": "192.0.2.1", "port": 1}))
    assert look(checks, "console port").state == "failed"


def test_a_full_disk(tmp_path: Path) -> None:
    assert look(examine(settings(tmp_path, spool={"min_free_mb": 1 << 40})), "disk").state == "failed"


def test_what_the_spool_put_aside(tmp_path: Path) -> None:
    aside = tmp_path / "spool" / "aside"
    aside.mkdir(parents=True)
    (aside / "x.reason.json").write_text("{}")
    assert look(examine(settings(tmp_path)), "spool").state == "warning"


def test_a_folder_that_others_can_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert look(examine(settings(tmp_path)), "folder").state == "warning"
    tmp_path.chmod(0o700)
    assert look(examine(settings(tmp_path)), "folder").state == "ok"


def config(folder: Path) -> Path:
    path = folder / "qcbox.toml"
    path.write_text(f'data_dir = "{folder}"\n[link]\nenabled = false\n[spool]\nmin_free_mb = 1\n')
    return path


@pytest.mark.parametrize(("locale", "word"), [("zh_CN.UTF-8", "规则包"), ("en_US.UTF-8", "rule packs")])
def test_the_command_speaks_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str, word: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    said = CliRunner().invoke(build(["doctor"]), ["doctor", "--config", str(config(tmp_path))])
    assert said.exit_code == 0
    assert word in said.output


def test_the_command_for_programs_and_its_exit_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Check("disk", "failed", Bilingual("满", "full"), Bilingual("清", "free"))
    monkeypatch.setattr("edge.commands.doctor.examine", lambda settings: [failed])
    said = CliRunner().invoke(build(["doctor"]), ["doctor", "--json", "--config", str(config(tmp_path))])
    assert said.exit_code == 1
    assert json.loads(said.output)[0]["hint"] == {"zh": "清", "en": "free"}


def test_what_a_screens_process_says_is_passed_on(tmp_path: Path) -> None:
    screens = [{"name": name, "kind": "v4l2", "address": "/dev/video0"} for name in ("dr1", "us1", "us2")]
    asked = settings(tmp_path, screens=screens)
    for name, signal in (("dr1", words.OK), ("us1", words.NO_CABLE)):
        Window(asked.screens_path / "live" / name).state(Seen(signal))
    checks = examine(asked)
    assert look(checks, "screen dr1").state == "ok"
    cable = look(checks, "screen us1")
    assert (cable.state, cable.text, cable.hint) == ("warning", words.NO_CABLE.reason, words.NO_CABLE.hint)
    away = look(checks, "screen us2")
    assert away.hint is not None and "qcbox-screen@us2" in away.hint.en


def network(folder: Path, off: float) -> bytes:
    """A release of a small network; its golden is wrong by ``off``."""
    networks.write(folder)
    (folder / DOOR).write_text(DECLARED, encoding="utf-8")
    image = networks.picture()
    outputs = networks.load(folder).run({"image": image})
    outputs["mean"] = outputs["mean"] + np.float32(off)
    golden.save(folder / "goldens/0.npz", {"image": image}, outputs)
    return pack_up(folder, "bundle")


@pytest.mark.parametrize(("off", "state"), [(0.0, "ok"), (0.5, "failed")])
async def test_the_networks_in_force_are_tried(tmp_path: Path, off: float, state: str) -> None:
    before = settings(tmp_path)
    assert "0 networks" in look(examine(before), "networks").text.en
    box = make_box(tmp_path, **before.model_dump(include={"link", "spool", "dicom", "console"}))
    group = Publisher(tmp_path / "repository")
    try:
        await bring(box.services, group, group.release(network(tmp_path / "two-maps", off)))
    finally:
        box.db.close()
    checks = examine(before)
    assert "1 packages are releases" in look(checks, "content").text.en
    assert look(checks, "networks").state == state
    assert ("two-maps 1000" in look(checks, "networks").text.en) is (state == "failed")


async def test_a_release_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    given = settings(tmp_path)
    box = make_box(tmp_path, **given.model_dump(include={"link", "spool", "dicom", "console"}))
    group = Publisher(tmp_path / "repository")
    try:
        target = group.release(pack())
        await bring(box.services, group, target)
    finally:
        box.db.close()
    package_path(given.content_path, target.sha256).write_bytes(b"spoilt")
    found = look(examine(given), "content")
    assert found.state == "failed"
    assert "kv-check (trust.length)" in found.text.en
