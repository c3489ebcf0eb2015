"""The working part of the desk: where the page looks, what it needs to show that, and one step of change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from capture.screen import format
from capture.screen.reading import FieldReading
from capture.screen.template import Box
from edge.console.frame import View
from edge.console.pages.teach import known_screen
from edge.console.recurring import habits_of
from edge.teaching.desk import Desk, History
from edge.teaching.draft import IMAGE, Draft, FrameName, taught
from edge.teaching.keywords import GROUPS, MEANINGS, means
from edge.teaching.proof import Proof, lacks
from edge.teaching.room import squeezed

Step = Literal["capture", "fields", "confirm", "save"]
STEPS: tuple[Step, ...] = get_args(Step)


@dataclass(frozen=True, slots=True)
class Where:
    """What the page looks at: its step, the chosen box, the frame whose values are being confirmed."""

    step: Step
    selected: str = ""
    frame: FrameName = "a"


async def history_of(view: View, source: str) -> History | None:
    """What lies on the desk of a screen."""
    return await asyncio.to_thread(view.console.teaching.desk(source).history)


async def on_desk(view: View, source: str) -> History:
    """The same; 422 when nothing does."""
    history = await history_of(view, source)
    if history is None:
        raise HTTPException(422)
    return history


async def changed(view: View, source: str, change: Callable[[Draft], Draft]) -> History:
    """One step of change, under the screen's lock; 422 when nothing lies on the desk."""
    desk = view.console.teaching.desk(source)
    async with view.console.teaching.locks[source]:
        history = await on_desk(view, source)
        history = history.then(change(history.present))
        await asyncio.to_thread(desk.keep, history)
    return history


async def change_and_show(view: View, source: str, where: Where, change: Callable[[Draft], Draft]) -> HTMLResponse:
    """The same, and the working part after it."""
    return await part(view, source, await changed(view, source, change), where)


async def part(
    view: View, source: str, history: History | None, where: Where, proof: Proof | None = None, saved: str = ""
) -> HTMLResponse:
    """The working part of the page."""
    return view.page("part/teach.html", **await values(view, source, history, where, proof, saved))


async def values(
    view: View, source: str, history: History | None, where: Where, proof: Proof | None = None, saved: str = ""
) -> dict[str, object]:
    """What the templates need."""
    room = view.console.teaching
    desk, draft = room.desk(source), history.present if history else None
    stretched = draft is not None and draft.limited_range
    stamps = {name: desk.stamp(name) + stretched for name in desk.frames}
    readings: Mapping[str, FieldReading] = {}
    whole: dict[str, str] = {}
    if draft is not None and where.step == "confirm" and where.frame in stamps:
        readings = await room.values(source, draft, where.frame)
        whole = {one.key: whole_text(draft, one.key, readings[one.key].text) for one in draft.named}
    return {
        "source": source,
        "where": where,
        "steps": STEPS,
        "camera": known_screen(view, source).kind == "camera",
        "grey": where.step == "capture" and "a" in stamps and await asyncio.to_thread(_grey, desk),
        "draft": draft,
        "history": history,
        "stamps": stamps,
        "readings": readings,
        "whole": whole,
        "habits": await habits_of(view, source, draft) if draft and where.step == "fields" else (),
        "lacking": lacks(draft, desk.frames) if draft else (),
        "proof": proof,
        "saved": saved,
        "groups": GROUPS,
        "meanings": MEANINGS,
        "means": means,
        "state": _state(view, draft, where, stamps),
    }


def first_step(desk: Desk, history: History | None) -> Step:
    """Where somebody who opens the page goes on."""
    if history is None or not history.present.fields:
        return "capture"
    draft, frames = history.present, desk.frames
    if not draft.confirmed:
        return "fields"
    return "save" if len(frames) == 3 and not any(draft.open(frame) for frame in frames) else "confirm"


def whole_text(draft: Draft, key: str, text: str) -> str:
    """What was read with the literals that the format takes off."""
    field = draft.field(key)
    if field is None or not text:
        return text
    return format.whole(taught(draft, field, keyword=key).format, field.kind, text)


def _grey(desk: Desk) -> bool:
    png = desk.frame("a")
    return png is not None and squeezed(png)


def _state(view: View, draft: Draft | None, where: Where, stamps: Mapping[FrameName, int]) -> str:
    """What the page's own script draws."""
    boxes: list[dict[str, object]] = []
    if draft is not None:
        for one in draft.fields:
            name = view.say(means(one.keyword)) if one.keyword else ""
            boxes.append(_drawn("field", one.key, one.box, name, secret=one.identifying))
        boxes += [_drawn(spot.role, spot.key, spot.box, spot.text) for spot in draft.spots]
        if draft.image is not None:
            boxes.append(_drawn("image", IMAGE, draft.image, view.label("Image")))
    return json.dumps(
        {
            "step": where.step,
            "selected": where.selected,
            "frame": where.frame,
            "width": draft.width if draft else 0,
            "height": draft.height if draft else 0,
            "stamps": stamps,
            "boxes": boxes,
        },
        ensure_ascii=False,
    )


def _drawn(role: str, key: str, box: Box, name: str, *, secret: bool = False) -> dict[str, object]:
    return {"role": role, "key": key, "box": [box.x, box.y, box.w, box.h], "name": name, "secret": secret}
