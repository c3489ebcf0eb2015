"""The end of teaching: what the template is called, its proof on the confirmed frames, and its first use."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse

from capture.errors import Misuse
from capture.screen.template import EventMode, Template
from capture.text import Bilingual
from edge.console.auth import Viewer
from edge.console.frame import View, teacher, view_of
from edge.console.pages.teach import Source, known_screen, noted
from edge.console.pages.teach_shown import Where, change_and_show, on_desk, part
from edge.teaching.draft import FRAMES, Draft, finished
from edge.teaching.proof import Proof, judge, lacks
from edge.teaching.room import Room, patch

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Teacher = Annotated[Viewer, Depends(teacher)]
_Line = Annotated[str, Form(max_length=120)]
_END = Where("save")


@router.post("/teach/{source}/settle")
async def settle(
    source: Source,
    view: _See,
    viewer: _Teacher,
    event_mode: Annotated[EventMode, Form()],
    title: _Line = "",
    id: Annotated[str, Form(pattern=r"^([a-z0-9][a-z0-9-]{0,62})?$")] = "",
    modality: Annotated[str, Form(pattern=r"^([A-Z]{2,4})?$")] = "",
    frozen_text: _Line = "",
    clock: Annotated[bool, Form()] = False,
    manufacturer: _Line = "",
    model: _Line = "",
    station: _Line = "",
) -> HTMLResponse:
    """Name, modality, and how a new image shows itself."""
    device = {"Manufacturer": manufacturer, "ManufacturerModelName": model, "StationName": station}
    told = {
        "title": title.strip(),
        "id": id,
        "modality": modality,
        "event_mode": event_mode,
        "frozen_text": frozen_text.strip(),
        "clock": clock,
        "device": {keyword: text.strip() for keyword, text in device.items() if text.strip()},
    }
    return await change_and_show(view, source, _END, lambda draft: draft.model_copy(update=told))


@router.post("/teach/{source}/test")
async def test(source: Source, view: _See, viewer: _Teacher) -> HTMLResponse:
    """Read the confirmed frames with the finished template, and compare."""
    known_screen(view, source)
    history = await on_desk(view, source)
    proof, _ = await _proved(view, source, history.present)
    return await part(view, source, history, _END, proof)


@router.post("/teach/{source}/save")
async def save(source: Source, view: _See, viewer: _Teacher) -> HTMLResponse:
    """Prove it once more, save it as the next version, and use it on this screen.

    Raises:
        Misuse: ``teach.not_proved``: it would believe something that is not there, or not know its own screen.
    """
    known_screen(view, source)
    room = view.console.teaching
    history = await on_desk(view, source)
    proof, draft = await _proved(view, source, history.present)
    if not proof.passed:
        return await part(view, source, history, _END, proof)
    async with room.locks[source]:
        frames = await asyncio.to_thread(_frames, room, source, history.present)
        saved = await asyncio.to_thread(room.library.save, draft, frames)
        await asyncio.to_thread(room.library.activate, source, saved.id, saved.version)
        await asyncio.to_thread(room.desk(source).clear)
        room.forget(source)
    await noted(view, viewer, "template.saved", f"{source}: {saved.id} {saved.version}")
    return await part(view, source, None, _END, proof, f"{saved.title} · {saved.id} {saved.version}")


async def _proved(view: View, source: str, draft: Draft) -> tuple[Proof, Template]:
    room = view.console.teaching
    if lacking := lacks(draft, room.desk(source).frames):
        first = lacking[0]
        raise Misuse(
            "teach.unfinished",
            Bilingual(
                f"还不能自检：{view.console.pages.texts.say('zh_CN', first)}", f"Not ready for its test: {first}"
            ),
            Bilingual("请完成清单中的各项", "Finish what the list says"),
        )
    frames = await asyncio.to_thread(_frames, room, source, draft)
    template = await asyncio.to_thread(_finished, draft, frames[0])
    return judge(draft, template, await room.reading.prove(template, frames)), template


def _frames(room: Room, source: str, draft: Draft) -> tuple[bytes, ...]:
    return tuple(png for name in FRAMES if (png := room.frame(source, draft, name)) is not None)


def _finished(draft: Draft, first: bytes) -> Template:
    anchors = draft.of_role("anchor")
    return finished(draft, {spot.key: patch(first, spot.box) for spot in anchors})
