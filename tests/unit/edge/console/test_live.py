"""The live stream: at once, nothing missed, and never silent."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import time_machine

from edge.clock import now_ms
from edge.console.auth import COOKIE, Viewer
from edge.console.frame import View
from edge.console.live import Stream
from edge.store import accounts
from edge.store.accounts import Role
from models.rules.verdict import Grade
from tests.unit.edge.console.stage import Stage, build

WAIT = 60.0
"""Seconds after which a test gives up; no test measures time."""


@dataclass
class Event:
    name: str
    id: str
    text: str


def parse(chunk: bytes) -> list[Event]:
    events = []
    for block in chunk.decode().split("\n\n"):
        fields: dict[str, list[str]] = {}
        for line in block.splitlines():
            name, _, value = line.partition(": ")
            fields.setdefault(name, []).append(value)
        if "event" in fields:
            events.append(Event(fields["event"][0], fields.get("id", [""])[0], "\n".join(fields.get("data", []))))
    return events


@asynccontextmanager
async def opened(
    stage: Stage, seen: int | None = None, role: Role = "technologist"
) -> AsyncIterator[tuple[AsyncGenerator[bytes, None], str]]:
    """A page's stream, as the route opens it."""
    console = stage.app.state.console
    async with stage.logged_in(role) as browser:
        token = browser.cookies[COOKIE]
    viewer: Viewer | None = await console.auth.viewer(token, passive=True)
    stream = Stream(console, View(console, viewer, "en"), token, seen).run()
    try:
        yield stream, token
    finally:
        await stream.aclose()


async def until(stream: AsyncIterator[bytes], name: str) -> list[Event]:
    """Events up to and with the first of this name."""
    got: list[Event] = []
    async with asyncio.timeout(WAIT):
        while name not in [event.name for event in got]:
            got += parse(await anext(stream))
    return got


async def test_a_new_page_gets_the_board_and_no_old_alerts(stage: Stage) -> None:
    stage.add(Grade.FEI)
    async with opened(stage) as (stream, _):
        events = await until(stream, "status")
    assert [event.name for event in events] == ["board", "status"]
    assert "Lung field cut off" in events[0].text


async def test_an_alert_arrives_with_its_row_number_before_the_board(stage: Stage) -> None:
    async with opened(stage) as (stream, _):
        await until(stream, "status")
        case = stage.add(Grade.FEI)
        events = await until(stream, "board")
    assert [event.name for event in events] == ["alert", "board"]
    told = json.loads(events[0].text)
    assert events[0].id == str(told["id"]) == "1"
    assert (told["case"], told["level"], told["grade"]) == (case, "critical", "fei")
    assert "P0001" not in events[0].text and "P0001" in events[1].text


async def test_what_was_missed_is_replayed_from_the_database(stage: Stage) -> None:
    for grade in (Grade.JIA, Grade.YI, Grade.FEI):
        stage.add(grade)
    async with opened(stage, seen=1) as (stream, _):
        events = await until(stream, "status")
    assert [(event.name, event.id) for event in events[:2]] == [("alert", "2"), ("alert", "3")]


async def test_the_header_of_a_reconnecting_browser_wins_over_the_address(stage: Stage) -> None:
    for grade in (Grade.JIA, Grade.YI, Grade.FEI):
        stage.add(grade)
    app = stage.app
    async with stage.logged_in() as browser:
        cookie = f"{COOKIE}={browser.cookies[COOKIE]}"
    got: asyncio.Queue[bytes] = asyncio.Queue()
    gone = asyncio.Event()

    async def receive() -> dict[str, object]:
        if not gone.is_set():
            gone.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(WAIT)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        await got.put(body)

    headers = [(b"cookie", cookie.encode()), (b"last-event-id", b"2"), (b"host", b"box")]
    scope = {"type": "http", "method": "GET", "path": "/live", "raw_path": b"/live", "query_string": b"after=0",
             "headers": headers, "client": ("10.0.0.5", 1), "server": ("box", 80), "scheme": "http",
             "http_version": "1.1", "root_path": "", "asgi": {"version": "3.0"}}  # fmt: skip
    serving = asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
    events: list[Event] = []
    async with asyncio.timeout(WAIT):
        while "status" not in [event.name for event in events]:
            events += parse(await got.get())
    serving.cancel()
    await asyncio.wait({serving})
    assert [event.id for event in events if event.name == "alert"] == ["3"]


async def test_a_burst_is_told_once_and_completely(stage: Stage) -> None:
    async with opened(stage) as (stream, _):
        await until(stream, "status")
        for _ in range(30):
            stage.add(Grade.YI)
        events: list[Event] = []
        while len([event for event in events if event.name == "alert"]) < 30:
            events += await until(stream, "status")
        stage.services.announcer.announce("link", 0)
        events += await until(stream, "status")
    assert [int(event.id) for event in events if event.name == "alert"] == list(range(1, 31))
    assert len([event for event in events if event.name == "board"]) < 5


async def test_the_same_bytes_once_more_say_so_on_the_board(stage: Stage) -> None:
    stage.add(Grade.YI)
    async with opened(stage) as (stream, _):
        await until(stream, "status")
        stage.services.announcer.announce("duplicate", 1)
        events = await until(stream, "status")
    assert [event.name for event in events] == ["again", "board", "status"]


async def test_the_heart_beats_without_any_news(tmp_path: Path) -> None:
    stage = build(tmp_path, heartbeat_seconds=0.05)
    try:
        async with opened(stage) as (stream, _):
            events = await until(stream, "status")
            for _ in range(3):
                beat = await until(stream, "status")
                assert [event.name for event in beat] == ["status"]
            assert events
    finally:
        stage.close()


@pytest.mark.parametrize("how", ["logout", "disabled"])
async def test_a_session_that_ends_ends_the_stream(stage: Stage, how: str) -> None:
    async with opened(stage) as (stream, token):
        await until(stream, "status")
        if how == "logout":
            stage.services.db.write(lambda c: accounts.close_session(c, token))
        else:
            stage.services.db.write(lambda c: accounts.disable(c, "technologist", now_ms()))
        stage.add(Grade.FEI)
        assert [event.name for event in await until(stream, "bye")] == ["bye"]
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_a_page_that_locks_loses_its_names_with_the_next_beat(tmp_path: Path) -> None:
    stage = build(tmp_path, heartbeat_seconds=0.05)
    try:
        with time_machine.travel(1_800_000_000, tick=True) as clock:
            stage.add(Grade.FEI)
            async with opened(stage) as (stream, _):
                assert "P0001" in (await until(stream, "status"))[0].text
                clock.shift(16 * 60)
                board = (await until(stream, "board"))[-1]
                assert "P0001" not in board.text and "Lung field cut off" in board.text
    finally:
        stage.close()


async def test_a_closed_page_leaves_no_listener_behind(stage: Stage) -> None:
    async with opened(stage) as (stream, _):
        await until(stream, "status")
        assert len(stage.services.announcer._subscribers) == 1
    assert stage.services.announcer._subscribers == set()


async def test_the_stream_of_an_engineer_names_nobody(stage: Stage) -> None:
    async with opened(stage, role="engineer") as (stream, _):
        await until(stream, "status")
        stage.add(Grade.FEI, name="ZZSENTINEL")
        events = await until(stream, "status")
    assert not any("ZZSENTINEL" in event.text or "P0001" in event.text for event in events)
