"""What people corrected on the case page again and again, proposed to the engineer on the desk."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from edge.console.auth import Viewer
from edge.console.frame import View, teacher, view_of
from edge.console.pages.teach import Source, known_screen, noted
from edge.console.pages.teach_shown import Where, change_and_show, on_desk
from edge.console.recurring import habits_of
from edge.teaching import changes

router = APIRouter(include_in_schema=False)


@router.post("/teach/{source}/learn")
async def learn(
    source: Source,
    view: Annotated[View, Depends(view_of)],
    viewer: Annotated[Viewer, Depends(teacher)],
    key: Annotated[str, Form(max_length=300)],
) -> HTMLResponse:
    """Take one of them over into the draft: a step that can be undone, tested with it, and saved as a version."""
    known_screen(view, source)
    draft = (await on_desk(view, source)).present
    habit = next((one for one in await habits_of(view, source, draft) if one.key == key), None)
    if habit is None:
        raise HTTPException(422)
    await noted(view, viewer, "template.learnt", f"{source}: {habit.keyword}")
    field = next(one for one in draft.named if one.keyword == habit.keyword)
    return await change_and_show(view, source, Where("fields", field.key), lambda one: changes.learn(one, habit))
