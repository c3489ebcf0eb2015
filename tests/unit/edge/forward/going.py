"""A box whose queues run beside real peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Table, select

from edge.forward.onward import Onward
from edge.forward.settings import ForwardSettings
from edge.pipeline.intake import Intake
from edge.store.schema import forward
from edge.store.set_due import Quiet
from tests.peers import wait_until
from tests.unit.edge.box import Box


def onward(box: Box, **settings: Any) -> Onward:
    """What the agent makes of these settings, with short pauses."""
    chosen = ForwardSettings.model_validate({"retry_s": 0.1, **settings})
    services = box.services
    return Onward(chosen, box.db, services.blobs, services.settings.wishes_path)


def peer(port: int, **more: Any) -> dict[str, Any]:
    """Settings of one on this machine."""
    return {"host": "127.0.0.1", "port": port, "ae_title": "ARCHIVE", "timeout_s": 10, **more}


def take_in(box: Box, going: Onward) -> None:
    """What waits in the spool, by intake itself."""
    services = box.services
    intake = Intake(
        box.spool, box.db, services.blobs, services.metrics, Quiet(15_000, 300_000), lambda taken: None,
        admit=going.admit,
    )  # fmt: skip
    while box.spool.pending(1):
        intake._step()


@asynccontextmanager
async def running(going: Onward) -> AsyncIterator[None]:
    """Its loops, as the agent runs them."""
    stop = asyncio.Event()
    task = asyncio.create_task(going.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait without standing in the way of the loops."""
    await asyncio.to_thread(wait_until, condition, what)


def states(box: Box, destination: str = "archive-0") -> list[tuple[str, str | None]]:
    """State and code of each image in a queue, oldest first."""
    query = select(forward.c.state, forward.c.code).where(forward.c.destination == destination)
    return [tuple(row) for row in box.db.read(lambda c: c.execute(query.order_by(forward.c.case_id)).all())]


def rows(box: Box, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """These columns, oldest first."""
    query = select(*(table.c[name] for name in columns)).order_by(*table.primary_key.columns)
    return [tuple(row) for row in box.db.read(lambda c: c.execute(query).all())]
