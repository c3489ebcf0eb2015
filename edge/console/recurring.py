"""What people said of a screen's fields, with what had been read there: from the database and the stored shots."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from capture.errors import SetAside
from capture.screen import shot
from capture.screen.reading import FieldReading
from edge.console.frame import View
from edge.services import Services
from edge.store.confirmed import Word, of_screen
from edge.teaching.corrections import Habit, Said, habits
from edge.teaching.draft import Draft

_MOST = 600
"""Words looked at, the latest ones: a month of a busy screen."""


async def habits_of(view: View, source: str, draft: Draft) -> tuple[Habit, ...]:
    """What recurs there of the template that the draft goes on from, and is not in the draft yet."""
    services = view.console.services
    words = await services.db.aread(lambda c: of_screen(c, source, _MOST))
    return await asyncio.to_thread(lambda: habits(draft, tuple(_said(services, words, draft.id))))


def _said(services: Services, words: Sequence[Word], template: str) -> Iterator[Said]:
    """Shots that are past their retention say nothing."""
    for word in words:
        try:
            readings = _readings(services.blobs.path(word.sha256), template)
        except (OSError, SetAside):
            continue
        for one in readings:
            if one.keyword == word.keyword:
                yield Said(one.keyword, one, word.text)


@lru_cache(maxsize=1024)
def _readings(path: Path, template: str) -> tuple[FieldReading, ...]:
    """Of the fields that are no person's: nothing else stays in memory."""
    told, taught = shot.told(path)
    shown = {one.keyword for one in taught.fields if not one.identifying}
    return tuple(one for one in told.readings if one.keyword in shown) if taught.id == template else ()
