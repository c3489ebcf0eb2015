"""The page of the hands: sequences on the shelf, what a trial shows, who may. On a desktop: tests of hands."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.screen.template import Box
from edge.hands.sequence import Click, Patch, Sequence, Type, Words
from edge.hands.settings import HandSettings
from edge.store.accounts import Role
from tests.unit.edge.console.stage import build

HX = {"HX-Request": "true"}
NOWHERE = HandSettings(name="ris", address="vnc://127.0.0.1:1")


def sequence() -> Sequence:
    noise = np.random.default_rng(1).integers(0, 255, (20, 40, 3), np.uint8)
    patch = Patch(
        box=Box(x=10, y=10, w=40, h=20), png=base64.b64encode(cv2.imencode(".png", noise)[1].tobytes()).decode()
    )
    words = Words(box=Box(x=60, y=10, w=90, h=20), text="{PatientID}")
    return Sequence(
        id="ris", title="Remark in the RIS", width=320, height=200,
        steps=(
            Click(do="click", x=30, y=20, sees=(patch,), words=(words,)),
            Type(do="type", text="{verdict}", echo=Box(x=60, y=60, w=90, h=20), sees=(patch,)),
        ),
    )  # fmt: skip


async def test_a_sequence_is_imported_shown_tried_and_removed(tmp_path: Path) -> None:
    stage = build(tmp_path, hands=(NOWHERE,))
    async with stage.logged_in("engineer") as browser:
        assert "None yet" in (await browser.get("/hands")).text
        refused = await browser.post("/hands/import", files={"file": ("x.json", b'{"id": "ris"}')})
        assert refused.status_code == 422 and "hands.sequence" in refused.text
        file = {"file": ("ris.json", sequence().dump())}
        page = await browser.post("/hands/import", files=file, follow_redirects=True)
        assert page.status_code == 200 and "Not tried yet" in page.text
        assert (
            "Click at 30, 20" in page.text and "reads {PatientID}" in page.text and "Type {verdict}" in page.text
        )
        kept = tmp_path / "hands" / "sequences" / "ris.json"
        assert kept.stat().st_mode & 0o077 == 0 and kept.parent.stat().st_mode & 0o077 == 0
        assert "Remark in the RIS" in (await browser.get("/hands")).text
        unknown = await browser.post("/hands/ris/try", data={"console": "other", "how": "look"}, headers=HX)
        assert "hands.no_console" in unknown.text
        values = {"console": "ris", "how": "steps", "v-PatientID": "P0012345", "v-verdict": "Grade A"}
        begun = await browser.post("/hands/ris/try", data=values, headers=HX)
        assert begun.status_code == 200 and 'hx-trigger="every 500ms"' in begun.text
        said = begun.text
        for _ in range(600):
            version = re.search(r"since=(\d+)", said)
            if version is None:
                break
            await asyncio.sleep(0.1)
            news = await browser.get("/part/hands/ris", params={"since": version[1]}, headers=HX)
            said = news.text if news.status_code == 200 else said
        assert "hands.lost" in said and "is gone" in said, "why it stopped, and what to do"
        assert 'value="P0012345"' in said, "what was typed in is there for the next try"
        assert (await browser.get("/hands/ris/run/look/picture")).status_code == 404
        taught = await browser.get("/hands/ris/patch/1/0/picture")
        assert taught.content.startswith(b"\x89PNG")
        assert (await browser.get("/hands/ris/patch/3/0/picture")).status_code == 404
        await browser.post("/hands/ris/remove")
        assert not kept.exists() and (await browser.get("/hands/ris")).status_code == 422
        deeds = (await browser.get("/teach")).text
        assert "Sequence tried step by step" in deeds and "Sequence removed" in deeds and "P0012345" not in deeds
    stage.close()


async def test_a_trial_that_hangs_is_stopped(tmp_path: Path) -> None:
    """The far end takes the call and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        far = HandSettings(name="ris", address=f"vnc://127.0.0.1:{silent.getsockname()[1]}")
        stage = build(tmp_path, hands=(far,))
        async with stage.logged_in("engineer") as browser:
            await browser.post("/hands/import", files={"file": ("ris.json", sequence().dump())})
            values = {"console": "ris", "how": "look", "v-PatientID": "P0012345", "v-verdict": "Grade A"}
            await browser.post("/hands/ris/try", data=values, headers=HX)
            again = await browser.post("/hands/ris/try", data=values, headers=HX)
            assert again.status_code == 422 and "hands.busy" in again.text
            await browser.post("/hands/ris/answer", data={"answer": "stop"}, headers=HX)
            for _ in range(600):
                said = (await browser.get("/part/hands/ris", headers=HX)).text
                if "since=" not in said:
                    break
                await asyncio.sleep(0.1)
            assert "hands.ended" in said
        stage.close()


async def test_without_a_console_nothing_can_be_tried(tmp_path: Path) -> None:
    stage = build(tmp_path)
    async with stage.logged_in("engineer") as browser:
        await browser.post("/hands/import", files={"file": ("ris.json", sequence().dump())})
        assert "[[hands]]" in (await browser.get("/hands/ris")).text
    stage.close()


@pytest.mark.parametrize("role", ["technologist", "qc-lead"])
async def test_only_an_engineer_moves_the_hands(tmp_path: Path, role: Role) -> None:
    stage = build(tmp_path, hands=(NOWHERE,))
    async with stage.logged_in(role) as browser:
        for path in ("", "/ris", "/ris/run/look/picture", "/ris/patch/1/0/picture"):
            assert (await browser.get(f"/hands{path}")).status_code == 403
        assert (await browser.get("/part/hands/ris")).status_code == 403
        for path in ("/hands/ris/try", "/hands/ris/answer", "/hands/ris/remove", "/hands/import"):
            assert (await browser.post(path, data={"answer": "go"})).status_code == 403
    stage.close()


def test_a_console_keeps_its_password_to_itself() -> None:
    with_password = HandSettings.model_validate(
        {"name": "ris", "address": "vnc://192.0.2.1", "password": "secret"}
    )
    assert "secret" not in repr(with_password) and "secret" not in json.dumps(
        with_password.model_dump(mode="json")
    )
