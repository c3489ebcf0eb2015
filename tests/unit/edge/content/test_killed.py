"""kill -9 at every state, in a process of its own: the next start judges with the active release or the one
before, both verified, and brings the way to its end."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud_sync.wire.codec import encode
from cloud_sync.wire.words import ContentState as S
from edge.content.asking import Ask, ask
from edge.content.loading import read
from edge.content.trusting import trust_of
from edge.store.content import slots
from edge.store.schema import outbox
from tests.peers import ROOT
from tests.signed_content import Publisher, pack
from tests.unit.edge.content.keeping import Kept, kept

STEPS = [
    "content.assigned", "content.downloaded", "content.staged", "content.verified", "content.proved",
    "content.tested", "content.shadow", "content.probation", "content.committed", "content.superseded",
    "content.rolled_back",
]  # fmt: skip


@pytest.mark.slow
async def test_killed_at_every_state(tmp_path: Path, group: Publisher) -> None:
    first, second = group.release(pack(version=1)), group.release(pack(version=2, most=120.0))
    async with kept(tmp_path / "box", group) as ready:
        ready.want(group.desired(first, probation_s=0))
        await ready.until(S.COMMITTED)
    group.desired()
    wanted = {
        step: group.desired(
            *([] if step == "content.rolled_back" else [second]),
            rollout="r2", probation_s=0, shadow_images=int(step == "content.shadow"),
        )
        for step in STEPS
    }  # fmt: skip
    for step, desired in wanted.items():
        shutil.copytree(tmp_path / "box", tmp_path / step)
        (tmp_path / f"{step}.json").write_bytes(encode(desired))
    ask(tmp_path / "content.rolled_back" / "content", Ask("roll_back", "kv-check", reason="not ours"))
    ended = await asyncio.to_thread(killed, tmp_path, group.folder)
    assert ended == dict.fromkeys(STEPS, -signal.SIGKILL)
    for step in STEPS:
        async with kept(tmp_path / step, group) as box:
            assert box.active() in (first.sha256, second.sha256), step
            for row in box.box.db.read(slots):
                if row.active:  # what the rows name is whole and signed
                    read(tmp_path / step / "content", row.active.held, trust_of(tmp_path / step / "content").check)
            box.want(wanted[step].model_copy(update={"rev": 100}))
            await to_its_end(box, step)
            if step not in ("content.shadow", "content.rolled_back"):
                assert box.active() == second.sha256, step


def killed(where: Path, repository: Path) -> dict[str, int]:
    """Boxes that have the first release, until each dies at its step of the second; how they ended."""
    argv = [sys.executable, "-m", "tests.unit.edge.content.killed", str(where), str(repository)]
    steps = "\n".join(STEPS)
    subprocess.run(argv, cwd=ROOT, input=steps, stdout=subprocess.DEVNULL, text=True, timeout=240, check=True)
    ended: dict[str, int] = json.loads((where / "ended.json").read_text())
    return ended


async def to_its_end(box: Kept, step: str) -> None:
    """Where it must come, each end told once."""
    if step == "content.rolled_back":
        await box.until(S.ROLLED_BACK, version=1)
        return
    if step == "content.shadow":
        await box.until(S.SHADOW, version=2)
        return
    await box.until(S.COMMITTED, version=2)
    await box.when(lambda: box.workers.chosen.is_steady, step)
    rows = box.box.db.read(lambda c: c.execute(select(outbox.c.payload)).all())
    assert sum(b'"state":"committed"' in row.payload for row in rows) == 2, step
