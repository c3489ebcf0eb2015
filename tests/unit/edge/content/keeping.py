"""A box's keeper of content with everything real but the processes: workers load and judge in this one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import select

from cloud_sync.wire.codec import encode
from cloud_sync.wire.control import Desired
from cloud_sync.wire.words import ContentState
from edge.clock import now_ms
from edge.content.chosen import FACTORY, Chosen
from edge.content.keeper import Keeper
from edge.content.loading import Account, load
from edge.content.proving import Proof, Prover, Question
from edge.content.trusting import root_path
from edge.pipeline.workers import Unready
from edge.store import content
from edge.store.content import Release
from edge.store.schema import outbox
from models.judge import Content
from tests.signed_content import Publisher
from tests.unit.edge.box import Box, make_box

HOLDS = Proof(held=1)


@dataclass
class Workers:
    """Loads as a worker does, in this process: what was made of the same bytes is not made again."""

    latest: ClassVar[Content | None] = None
    chosen: Chosen = FACTORY
    unready: set[str] = field(default_factory=set)
    """Hashes of packages that end every worker before its first image."""
    switches: int = 0

    async def ready(self) -> Account:
        return await self._load(self.chosen)

    async def switch(self, chosen: Chosen) -> Account:
        account = await self._load(chosen)
        self.switches += chosen.settled != self.chosen.settled
        self.chosen = chosen
        return account

    async def _load(self, chosen: Chosen) -> Account:
        active = {slot.active.sha256 for slot in chosen.slots if slot.active}
        if self.unready & active:
            raise Unready
        loaded = await asyncio.to_thread(load, chosen, Workers.latest)
        Workers.latest = loaded.content
        return loaded.account


class Simulated(Prover):
    """Knows how every self-test comes out."""

    def __init__(self, proof: Proof) -> None:
        super().__init__()
        self._proof = proof

    async def expect(self) -> None:
        """Needs no process."""

    async def prove(self, question: Question) -> Proof:
        return self._proof


@dataclass
class Kept:
    """A running keeper."""

    box: Box
    keeper: Keeper
    workers: Workers
    stop: asyncio.Event

    def want(self, desired: Desired) -> None:
        """As the link does."""
        self.keeper.hear("desired", encode(desired))

    def releases(self) -> tuple[Release, ...]:
        return self.box.db.read(content.releases)

    def states(self) -> list[str]:
        return [one.state.value for one in self.releases()]

    async def until(self, state: ContentState, name: str = "kv-check", version: int | None = None) -> Release:
        """The newest release of a name, once it is in a state."""

        found: list[Release] = []

        def there() -> bool:
            found[:] = [one for one in self.releases() if one.name == name and version in (None, one.version)][-1:]
            return bool(found) and found[0].state is state

        await self.when(there, f"{name} {state}")
        return found[0]

    async def judging_by(self, sha256: str, version: int | None = None) -> None:
        """Once a release is in probation and the workers judge by it."""
        await self.until(ContentState.PROBATION, version=version)
        await self.when(lambda: self.active() == sha256, "it judges")

    async def when(self, condition: Callable[[], object], what: str) -> None:
        for _ in range(2400):
            if condition():
                return
            await asyncio.sleep(0.05)
        found = [(one.state.value, one.error_code, one.error_detail) for one in self.releases()]
        raise AssertionError(f"{what}: {found}")

    def active(self, name: str = "kv-check") -> str | None:
        """Hash of what the workers judge with."""
        found = [one.sha256 for one in self.keeper.account.running if one.name == name]
        return found[0] if found else None


def settings(repository: Path, **content_says: object) -> dict[str, object]:
    """Sections of a box that fetches from the group's folder."""
    return {
        "content": {"folder": repository, "retry_s": 0.05, "selftest_s": 120, **content_says},
        "spool": {"min_free_mb": 1},
        "link": {"enabled": False},
    }


def trusting(where: Path, group: Publisher) -> None:
    """The box was given the group's root."""
    path = root_path(where / "content")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(group.group.pinned())


@asynccontextmanager
async def kept(
    where: Path, group: Publisher, at: Callable[[str], None] = lambda step: None, **says: Any
) -> AsyncIterator[Kept]:
    """A box that trusts the group, started and ended; see :func:`kept_in`."""
    trusting(where, group)
    async with kept_in(where, group.folder, at, **says) as box:
        yield box


@asynccontextmanager
async def kept_in(
    where: Path, repository: Path, at: Callable[[str], None], workers: Workers | None = None,
    wall: Callable[[], int] = now_ms, clean: bool = True, proof: Proof | None = HOLDS, **content_says: object,
) -> AsyncIterator[Kept]:  # fmt: skip
    """A box with what is on its disk. ``proof``: of every self-test, None: really run; ``clean``: its end."""
    box = make_box(where, at, **settings(repository, **content_says))
    works = workers or Workers()

    keeper = Keeper(
        box.services, at, lambda leaf, payload: None, wall=wall, prover=None if proof is None else Simulated(proof)
    )
    stop = asyncio.Event()
    works.chosen = keeper.boot()
    await keeper.start(works, stop)
    running = asyncio.create_task(keeper.run(works, stop))
    try:
        yield Kept(box, keeper, works, stop)
    finally:
        if clean:
            stop.set()
            await running
        else:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        box.db.close()


def told(box: Kept) -> list[tuple[int, str, str, str]]:
    """Version, state and both errors of every event for the centre, in order."""
    rows = box.box.db.read(lambda c: c.execute(select(outbox.c.payload).order_by(outbox.c.seq)).all())
    said = [json.loads(row.payload)["data"] for row in rows]
    return [
        (one["version"], one["state"], one["error_code"], one["rollback_code"]) for one in said if "name" in one
    ]
