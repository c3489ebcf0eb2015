"""The first page: boxes, how much there is, and how good it was over the last 30 days."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from cloud_sync.central import fleet, queries
from cloud_sync.central.frame import View, view_of
from cloud_sync.central.pages.rollout_words import RolloutWords

router = APIRouter()
_See = Annotated[View, Depends(view_of)]
_MONTH_MS = 30 * 86_400_000


@router.get("/")
def show(view: _See) -> HTMLResponse:
    """Boxes and the results of the last 30 days by site and modality."""
    recent = queries.Filter(since=view.centre.wall() - _MONTH_MS)
    with view.centre.database.read() as connection:
        return view.page(
            "overview.html",
            totals=queries.totals(connection),
            boxes=fleet.boxes(connection),
            words=RolloutWords(view),
            by_site=queries.count_by(connection, "site", recent),
            by_modality=queries.count_by(connection, "modality", recent),
            rules=queries.frequent_rules(connection, recent),
        )


@router.get("/part/boxes")
def boxes(view: _See) -> HTMLResponse:
    """The table of boxes alone, which the page asks for again and again."""
    with view.centre.database.read() as connection:
        return view.page(
            "part/boxes.html", totals=queries.totals(connection), boxes=fleet.boxes(connection),
            words=RolloutWords(view),
        )  # fmt: skip
