"""The rules that judge here, and what a QC lead of the site changes in them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from capture.errors import Misuse
from capture.text import Bilingual
from edge.clock import now_ms
from edge.console import deeds
from edge.console.auth import Viewer
from edge.console.frame import View, administrator, anybody, view_of
from edge.overrides.changing import Wish, change_of
from edge.overrides.shown import ShownRule, found, shown_rules
from edge.overrides.site import left_out, rules_with
from edge.overrides.trying import latest, tried
from edge.store import board, overrides, persons
from edge.store.overrides import SiteOverride
from models.content.overrides import SiteLayer
from models.rules.schema import OverrideSpec, Texts
from models.rules.verdict import Severity

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Who = Annotated[Viewer, Depends(anybody)]
_Administrator = Annotated[Viewer, Depends(administrator)]
_Rule = Annotated[str, Path(pattern=r"^[A-Za-z0-9]+(\.[A-Za-z0-9_]+)+$", max_length=80)]
_Number = Annotated[int, Form(ge=1, le=2**53)]


@router.get("/rules")
async def show_all(
    view: _See,
    viewer: _Who,
    q: Annotated[str, Query(max_length=80)] = "",
    pack: Annotated[str, Query(max_length=60)] = "",
    changed: bool = False,
) -> HTMLResponse:
    """Every rule in force; found by words, by pack, by being changed here."""
    services = view.console.services
    changes = await services.db.aread(overrides.in_force)
    rules = await asyncio.to_thread(services.rulebook.standard)
    shown = found(shown_rules(rules, changes), q, pack, changed)
    subjects = await services.db.aread(lambda c: _subjects(c, view))
    return view.page(
        "rules.html", rules=shown, packs=rules.packs, q=q, pack=pack, changed=changed, subjects=subjects
    )


@router.get("/rules/{rule}")
async def show(rule: _Rule, view: _See, viewer: _Who) -> HTMLResponse:
    """One rule: what it says, what is changed here, and the form to change it."""
    return await _page(view, await _one(view, rule), {})


@router.post("/rules/{rule}")
async def change(rule: _Rule, request: Request, view: _See, viewer: _Administrator) -> Response:
    """Try a change on the last images, or put it in force."""
    shown, form = await _one(view, rule), await request.form(max_fields=60)
    given = {key: value for key, value in form.items() if isinstance(value, str)}
    try:
        layer, subject, wanted = _wanted(shown, given)
        if given.get("step") != "save":
            return await _tried(view, shown, given, layer, subject, wanted)
        await deeds.override(view.console, viewer, layer, subject, wanted, given.get("note", ""))
    except Misuse as problem:
        return await _page(view, shown, given, problem=problem, status=422)
    return RedirectResponse(f"/rules/{rule}", status_code=303)


@router.post("/rules/{rule}/remove")
async def remove(rule: _Rule, view: _See, viewer: _Administrator, override: _Number) -> RedirectResponse:
    """Back to the standard."""
    await deeds.take_override_back(view.console, viewer, override)
    return RedirectResponse(f"/rules/{rule}", status_code=303)


@router.post("/rules/{rule}/restore")
async def restore(rule: _Rule, view: _See, viewer: _Administrator, override: _Number) -> RedirectResponse:
    """A change that was taken back, in force once more."""
    before = await view.console.services.db.aread(lambda c: overrides.one(c, override))
    if before is None or before.removed_at is None or before.change.rule != rule:
        raise HTTPException(404)
    await deeds.override(view.console, viewer, before.layer, before.subject, before.change, before.note)
    return RedirectResponse(f"/rules/{rule}", status_code=303)


async def _one(view: View, rule: str) -> ShownRule:
    services = view.console.services
    changes = await services.db.aread(overrides.in_force)
    rules = shown_rules(await asyncio.to_thread(services.rulebook.standard), changes)
    shown = next((one for one in rules if one.id == rule), None)
    if shown is None:
        raise HTTPException(404)
    return shown


def _wanted(shown: ShownRule, given: Mapping[str, str]) -> tuple[SiteLayer, str, OverrideSpec]:
    layer, _, subject = given.get("subject", "").partition(":")
    if layer not in ("L4", "L5", "L6") or (layer == "L4") == bool(subject):
        raise Misuse(
            "override.subject",
            Bilingual("没有说明为谁修改", "It is not said whom the change is for"),
            Bilingual("选择全院、一台设备或一个人", "Choose the hospital, a device or a person"),
        )
    severity = given.get("severity", "")
    wish = Wish(
        limits={name.removeprefix("limit."): text for name, text in given.items() if name.startswith("limit.")},
        enabled=not given.get("off"),
        severity=Severity(severity) if severity in tuple(Severity) else None,
        zh=(given.get("zh_title", ""), given.get("zh_advice", "")),
        en=(given.get("en_title", ""), given.get("en_advice", "")),
    )
    return cast(SiteLayer, layer), subject, change_of(shown, wish)


async def _tried(
    view: View, shown: ShownRule, given: Mapping[str, str], layer: SiteLayer, subject: str, wanted: OverrideSpec
) -> HTMLResponse:
    services = view.console.services
    now = await services.db.aread(overrides.in_force)
    images = await services.db.aread(latest)
    standard = await asyncio.to_thread(services.rulebook.standard)
    out = left_out(standard, now)
    now = tuple(one for one in now if one.id not in out)

    def judge() -> object:
        before = rules_with(standard, now)
        after = rules_with(standard, [*_without(now, layer, subject, wanted.rule), _draft(layer, subject, wanted)])
        return tried(images, before, after, wanted.rule)

    return await _page(view, shown, given, result=await asyncio.to_thread(judge))


def _without(now: Sequence[SiteOverride], layer: str, subject: str, rule: str) -> list[SiteOverride]:
    return [one for one in now if (one.layer, one.subject, one.change.rule) != (layer, subject, rule)]


def _draft(layer: SiteLayer, subject: str, wanted: OverrideSpec) -> SiteOverride:
    return SiteOverride(0, layer, subject, wanted, "", "", 0, "", None)


async def _page(
    view: View,
    shown: ShownRule,
    given: Mapping[str, str],
    *,
    problem: Misuse | None = None,
    result: object = None,
    status: int = 200,
) -> HTMLResponse:
    def read(connection: Connection) -> dict[str, object]:
        history = [one for one in overrides.history(connection) if one.change.rule == shown.id and one.removed_at]
        return {
            "devices": board.devices(connection, now_ms()),
            "persons": persons.persons(connection),
            "subjects": _subjects(connection, view),
            "history": history,
        }

    values = await view.console.services.db.aread(read)
    standards = {limit.name: limit.standard for limit in shown.limits}
    filled = {
        name: given.get(name, "")
        for name in ("subject", "severity", "off", "note", "zh_title", "zh_advice", "en_title", "en_advice")
    }
    limits = {name.removeprefix("limit."): text for name, text in given.items() if name.startswith("limit.")}
    out = left_out(await asyncio.to_thread(view.console.services.rulebook.standard), shown.changes)
    return view.page(
        "rule.html", status,
        one=shown, out=out, given=filled | {"limits": limits}, problem=problem, tried=result, standards=standards,
        words=_words, **values,
    )  # fmt: skip


def _words(texts: Texts, part: str) -> Bilingual:
    return Bilingual(getattr(texts.zh, part), getattr(texts.en, part))


def _subjects(connection: Connection, view: View) -> dict[str, str]:
    """Names of devices, and of persons where this viewer may see them, by key."""
    names = {device.key: device.name for device in board.devices(connection, now_ms())}
    if view.viewer is not None and view.viewer.sees_identity:
        names |= {person.key: view.person(person.name) for person in persons.persons(connection)}
    return names
