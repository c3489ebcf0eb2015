"""One device: what its numbers usually are, as control charts; and where a QC lead has it learn anew."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from cloud_sync.kit.web import midnight
from edge.clock import now_ms
from edge.console import deeds
from edge.console.auth import Viewer
from edge.console.chart import Chart, chart_of
from edge.console.frame import View, administrator, anybody, view_of
from edge.store import audit, baseline_seeds, baselines, board
from edge.store.baselines import Row
from edge.store.board import DeviceRow
from models.baseline import LAST, LEAST, Alike, Seed, spread

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Who = Annotated[Viewer, Depends(anybody)]
_Administrator = Annotated[Viewer, Depends(administrator)]
_Key = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")]
_Place = Annotated[str, Query(pattern=r"^[0-9a-f]{12}$")]


@dataclass(frozen=True, slots=True)
class Place:
    """Images of one kind: those that are compared with each other, whatever the software."""

    id: str
    alike: Alike
    rows: tuple[Row, ...]

    @property
    def drifts(self) -> bool:
        return any(row.drifted_at is not None and row.current for row in self.rows)


@dataclass(frozen=True, slots=True)
class Charted:
    """One measure."""

    row: Row
    chart: Chart
    seeded: bool
    """A seed stands in for it."""

    @property
    def spread(self) -> float:
        """Robust standard deviation, in the unit of the measure."""
        return spread(self.row.baseline)


@router.get("/device/{key}")
async def show(key: _Key, view: _See, viewer: _Who, place: _Place | None = None) -> HTMLResponse:
    """The charts of one place; the others are links."""
    since = midnight(now_ms(), view.console.zone)

    def read(connection: Connection) -> dict[str, object] | None:
        found = _device(connection, key, since)
        if found is None:
            return None
        places = _places(baselines.of_device(connection, found.id))
        chosen = next((one for one in places if one.id == place), places[0] if places else None)
        given = baseline_seeds.of_device(connection, found.id)
        return {
            "device": found,
            "places": places,
            "chosen": chosen,
            "charts": () if chosen is None else _charts(connection, found.id, chosen, given),
            "seeds": given,
            "deeds": audit.of_subject(connection, key),
        }

    shown = await view.console.services.db.aread(read)
    if shown is None:
        raise HTTPException(404)
    return view.page("device.html", least=LEAST, last=LAST, **shown)


@router.post("/device/{key}/reset")
async def reset(
    key: _Key,
    view: _See,
    viewer: _Administrator,
    reason: Annotated[str, Form(min_length=1, max_length=200)],
    measure: Annotated[str, Form(max_length=80)] = "",
) -> RedirectResponse:
    """Learn anew: after a repair, a new tube, a change of processing."""
    found = await view.console.services.db.aread(lambda c: _device(c, key, 0))
    if found is None:
        raise HTTPException(404)
    await deeds.reset_baselines(view.console, viewer, found.id, key, measure or None, reason)
    return RedirectResponse(f"/device/{key}", status_code=303)


def _device(connection: Connection, key: str, since: int) -> DeviceRow | None:
    return next((one for one in board.devices(connection, since) if one.key == key), None)


def _places(rows: tuple[Row, ...]) -> tuple[Place, ...]:
    """Rows by what they are of, in the order in which they stand."""
    found: dict[Alike, list[Row]] = {}
    for row in rows:
        found.setdefault(replace(row.alike, software="", detector=""), []).append(row)
    return tuple(Place(_id(alike), alike, tuple(of_it)) for alike, of_it in found.items())


def _id(alike: Alike) -> str:
    return hashlib.sha256("\0".join(astuple(alike)).encode()).hexdigest()[:12]


def _charts(connection: Connection, device_id: int, place: Place, given: tuple[Seed, ...]) -> tuple[Charted, ...]:
    """One for each measure and detector that is in use; those of earlier software are in their history."""
    now = [row for row in place.rows if row.current] or list(place.rows)
    made = []
    for row in now:
        points = baselines.history(connection, device_id, row.alike, row.measure)
        if not points:
            continue
        made.append(
            Charted(row, chart_of(row, points), not row.ready and any(_stands_in(one, row) for one in given))
        )
    return tuple(made)


def _stands_in(given: Seed, row: Row) -> bool:
    base = given.baseline
    return base.measure == row.measure and given.alike.covers(row.alike) and base.compares(row.baseline.producer)
