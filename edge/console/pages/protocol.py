"""A QC lead picks a good study and takes its protocol home: a rule pack, ready to be signed."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.errors import Misuse
from capture.text import Bilingual
from edge.clock import now_ms
from edge.console.auth import Viewer
from edge.console.frame import CASE_ID, View, administrator, view_of
from edge.store import audit, board, cards
from edge.store.cards import Card
from models.content import factory
from models.content.package import open_package, packed
from models.content.rules import rule_set
from models.measurement import Measurements
from models.sets.protocol import CannotLearn, Protocol, Tolerances, learn
from models.sets.protocol_pack import files_of

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Administrator = Annotated[Viewer, Depends(administrator)]
_CaseId = Annotated[str, Path(pattern=CASE_ID)]
_Name = Annotated[str, Query(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$", max_length=60)]
_Percent = Annotated[float, Query(ge=0, le=100, allow_inf_nan=False)]
_SERIES = 200
_TOLERANCE = "within."
"""How the fields of single tolerances begin; an element's keyword follows."""
_PERCENT = 2.0


@dataclass(frozen=True, slots=True)
class _Example:
    study: Card
    device_key: str
    series: tuple[Measurements, ...]


@router.get("/protocol/{case_id}")
async def show(
    case_id: _CaseId,
    request: Request,
    view: _See,
    viewer: _Administrator,
    name: _Name = "",
    percent: _Percent = _PERCENT,
    here: bool = False,
) -> HTMLResponse:
    """What would be in it; nothing is kept until it is taken."""
    example = await _example(view, case_id)
    tolerances = _tolerances(request, percent)
    named = name or _default_name(example.study)
    try:
        protocol: Protocol | None = _learnt(example, named, tolerances, here=here)
        problem = None
    except CannotLearn as error:
        protocol, problem = None, error.text
    values = {
        "name": named,
        "percent": percent,
        "one_device": here,
        "given": tolerances.absolute,
        "prefix": _TOLERANCE,
    }
    return view.page("protocol.html", study=example.study, protocol=protocol, problem=problem, **values)


@router.get("/protocol/{case_id}/pack")
async def take(
    case_id: _CaseId,
    request: Request,
    view: _See,
    viewer: _Administrator,
    name: _Name,
    percent: _Percent = _PERCENT,
    here: bool = False,
) -> Response:
    """The pack as a zip file, after its own cases have held beside the packs that ship."""
    example = await _example(view, case_id)
    try:
        protocol = _learnt(example, name or _default_name(example.study), _tolerances(request, percent), here=here)
    except CannotLearn as error:
        hint = Bilingual("选择另一次检查", "Choose another study")
        raise Misuse("protocol.example", error.text, hint) from error
    files = files_of(protocol, [viewer.account.display_name])
    await asyncio.to_thread(_prove, files)
    detail = f"{protocol.name}: {len(protocol.series)}"
    await view.console.services.db.awrite(
        lambda c: audit.add(c, now_ms(), viewer.account.id, "protocol.learned", case_id, detail)
    )
    headers = {"Content-Disposition": f'attachment; filename="{protocol.name}.zip"'}
    return Response(_zipped(protocol.name, files), media_type="application/zip", headers=headers)


async def _example(view: View, case_id: str) -> _Example:
    """A study and the facts of its series, in the order in which they came."""

    def read(connection: Connection) -> _Example | None:
        study = cards.one(connection, case_id, identity=True)
        if study is None or study.of_set is None or study.of_set.level != "study":
            return None
        series = cards.members(connection, case_id, _SERIES, identity=False)
        facts = [
            Measurements(board.facts(connection, one.verdict_id, identity=True))
            for one in series
            if one.verdict_id
        ]
        own = Measurements(board.facts(connection, study.verdict_id, identity=True)) if study.verdict_id else None
        return _Example(study, (own and own.text("case.device_key")) or "", tuple(facts))

    found = await view.console.services.db.aread(read)
    if found is None:
        raise HTTPException(404)
    return found


def _learnt(example: _Example, name: str, tolerances: Tolerances, *, here: bool) -> Protocol:
    return learn(name, example.series, tolerances, example.device_key if here else "")


def _tolerances(request: Request, percent: float) -> Tolerances:
    """Those of single elements, as ``within.EchoTime=0.1``; an empty field leaves the default."""
    absolute: dict[str, float] = {}
    for field, text in request.query_params.items():
        if field.startswith(_TOLERANCE) and re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text):
            absolute[field.removeprefix(_TOLERANCE)] = float(text)
    return Tolerances(absolute, percent)


def _default_name(study: Card) -> str:
    descriptions = study.patient.descriptions if study.patient else ()
    words = re.findall(r"[a-z0-9]+", " ".join((study.modality or "", *descriptions[:1])).lower())
    return "-".join(words)[:60].strip("-") or "protocol"


def _prove(files: dict[str, str]) -> None:
    """That it loads, and that its cases hold.

    Raises:
        Misuse: they do not.
    """
    encoded = {file: text.encode() for file, text in files.items()}
    rule_set([*factory.packs(), open_package(packed("protocol", encoded, "protocol"))])


def _zipped(name: str, files: dict[str, str]) -> bytes:
    """The same bytes for the same pack: entries carry no time."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for file, text in files.items():
            packed.writestr(zipfile.ZipInfo(f"{name}/{file}"), text)
    return made.getvalue()
