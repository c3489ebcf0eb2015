"""Results: filtered, counted, listed, one in full, and downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from cloud_sync.central import accounts, export, queries
from cloud_sync.central.frame import View, view_of
from cloud_sync.central.queries import Filter
from cloud_sync.wire.codec import decode_event

router = APIRouter()
_See = Annotated[View, Depends(view_of)]
_Text = Annotated[str, Query(max_length=256)]
_Day = Annotated[date, Field(ge=date(1970, 1, 2), le=date(9999, 12, 29))]
"""A day that still is one in another time zone."""
_Row = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""Number of a row, as large as a database has them."""
_PAGE = 50
_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def chosen_of(
    view: _See, site: _Text = "", box: _Text = "", device: _Text = "", modality: _Text = "", grade: _Text = "",
    since: _Day | Literal[""] = "", until: _Day | Literal[""] = "",
) -> Filter:  # fmt: skip
    """The filter in the address; days are the centre's own, ``until`` is included."""

    def midnight(day: date) -> int:
        return int(datetime(day.year, day.month, day.day, tzinfo=view.centre.zone).timestamp() * 1000)

    return Filter(
        site, box, device, modality, grade, midnight(since) if since else None,
        midnight(until + timedelta(days=1)) if until else None,
    )  # fmt: skip


_Chosen = Annotated[Filter, Depends(chosen_of)]


@router.get("/results")
def show(
    request: Request,
    view: _See,
    chosen: _Chosen,
    by: Literal["site", "box", "device", "modality", "grade"] = "device",
    before: _Row | None = None,
) -> HTMLResponse:
    """Counts by one dimension and the newest results; only that part when htmx asks."""
    template = "part/results.html" if request.headers.get("hx-request") else "results.html"
    asked = {name: value for name, value in request.query_params.items() if name != "before"}
    with view.centre.database.read() as connection:
        rows = queries.results(connection, chosen, _PAGE + 1, before)
        return view.page(
            template,
            by=by,
            counts=queries.count_by(connection, by, chosen),
            rules=queries.frequent_rules(connection, chosen),
            rows=rows[:_PAGE],
            older=rows[_PAGE - 1].event_id if len(rows) > _PAGE else None,
            choices=queries.choices(connection),
            asked=asked,
        )


@router.get("/results/{event_id}")
def one(view: _See, event_id: _Row) -> HTMLResponse:
    """One result as the box sent it."""
    with view.centre.database.read() as connection:
        payload = queries.payload(connection, event_id)
    if payload is None:
        raise HTTPException(404)
    event = decode_event(payload)
    if event.type != "qc.result.v1":
        raise HTTPException(404)
    return view.page("result.html", event=event, data=event.data)


@router.get("/export.{form}")
def download(view: _See, chosen: _Chosen, form: Literal["csv", "json"]) -> StreamingResponse:
    """The filtered results as a file. Who took it is noted."""
    centre, account = view.centre, view.account
    with centre.database.write() as connection:
        accounts.note(connection, centre.wall(), account.name if account else "", "results.exported", form)

    def pieces() -> Iterator[str]:
        with centre.database.read() as connection:
            yield from export.WRITERS[form](queries.every_result(connection, chosen))

    headers = {"Content-Disposition": f'attachment; filename="qcbox-results.{form}"'}
    return StreamingResponse(pieces(), media_type=_TYPES[form], headers=headers)
