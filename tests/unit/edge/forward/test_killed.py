"""kill -9 while images go on: the archive has every one, byte for byte, and the command says how things stand."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from pynetdicom import AE, evt
from typer.testing import CliRunner

from capture.spool import Spool
from edge import doctor
from edge.commands.forward import app
from edge.forward.status import checks
from edge.settings_file import load
from tests.factories import ct, uid, write
from tests.peers import Child, free_port, python, wait_until
from tests.receiver import CT, data_set_of

IMAGES = 8


def test_it_goes_on_where_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[bytes] = []

    def keep(event: evt.Event) -> int:
        came.append(event.encoded_dataset(include_meta=False))
        time.sleep(0.05)  # so that it dies between one image and its answer
        return 0x0000

    archive = AE(ae_title="ARCHIVE")
    archive.add_supported_context(CT, "1.2.840.10008.1.2.1")
    port = free_port()
    server = archive.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
    assert server is not None
    config = configured(tmp_path, port)
    settings = load(config)
    sent = fill(Spool(settings.spool_path, settings.spool), tmp_path)
    try:
        with child(tmp_path, port, "first") as first, child(tmp_path, port, "second"):  # loaded side by side
            (tmp_path / "first").touch()
            wait_until(lambda: len(came) > IMAGES // 3, "images come")
            first.kill()
            (tmp_path / "second").touch()
            wait_until(lambda: set(came) >= sent and said(config)["pacs"] == (0, 0), "all have come")
            assert said(config)["away"] == (IMAGES, 0)
    finally:
        server.shutdown()
    assert set(came) == sent
    assert len(came) <= IMAGES + 1, "the one that was under way may come again"
    monkeypatch.setattr(doctor, "_CHECKS", [checks])  # the others take seconds and look elsewhere
    states = {check.name: check.state for check in doctor.examine(settings)}
    assert states == {"forward pacs": "ok", "forward away": "warning", "forward ris": "ok"}


def child(folder: Path, port: int, begins: str) -> Child:
    arguments = (str(folder / "box"), str(port), str(folder / begins))
    return python("-m", "tests.unit.edge.forward.child", *arguments, log=folder / f"{begins}.log")


def configured(folder: Path, port: int) -> Path:
    path = folder / "qcbox.toml"
    path.write_text(f"""
data_dir = "{folder / "box"}"
[forward]
ris = {{ host = "127.0.0.1", ae_title = "RIS" }}
destinations = [
    {{ name = "pacs", host = "127.0.0.1", port = {port}, ae_title = "ARCHIVE" }},
    {{ name = "away", host = "127.0.0.1", port = 1, ae_title = "AWAY" }},
]
""")
    return path


def fill(spool: Spool, folder: Path) -> set[bytes]:
    sent = set()
    for number in range(IMAGES):
        image = ct()
        image.SOPInstanceUID = uid(f"image {number}")
        content = write(image, folder / "image.dcm").read_bytes()
        sent.add(data_set_of(content))
        with spool.receive(kind="dicom", source="dicom", calling_ae="CT1") as incoming:
            incoming.write(content)
            incoming.commit(1_000_000 + number)
    return sent


def said(config: Path) -> dict[str, tuple[int, int]]:
    """As ``qcbox forward status`` says it."""
    ended = CliRunner().invoke(app, ["status", "--json", "--config", str(config)])
    assert ended.exit_code == 0, ended.output
    return {one["name"]: (one["waiting"], one["refused"]) for one in json.loads(ended.stdout)}


def test_the_command_in_words_and_a_wish(tmp_path: Path) -> None:
    config = configured(tmp_path, 1)
    run = CliRunner()
    assert "nothing ever came" in run.invoke(app, ["status", "--lang", "en", "--config", str(config)]).stdout
    assert run.invoke(app, ["retry", "--config", str(config)]).exit_code == 0
    assert load(config).wishes_path.exists()
