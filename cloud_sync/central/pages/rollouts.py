"""Rollouts: all of them, one with its waves and boxes, and what people do to it."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.errors import Misuse
from cloud_sync.central.accounts import Account
from cloud_sync.central.frame import View, view_of
from cloud_sync.central.pages.authors import Shop
from cloud_sync.central.pages.rollout_words import RolloutWords
from cloud_sync.central.rollout import control, progress, rows
from cloud_sync.central.rollout.terms import OPEN, Plan
from cloud_sync.updates.terms import Target

router = APIRouter(prefix="/rollouts")
_See = Annotated[View, Depends(view_of)]
_Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
_Sha = Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")]
_Why = Annotated[str, Form(max_length=500)]
_MOST = 50


def somebody(request: Request) -> Account:
    """FastAPI dependency: the account; 403 for none."""
    account: Account | None = getattr(request.state, "account", None)
    if account is None:
        raise HTTPException(403)
    return account


_Somebody = Annotated[Account, Depends(somebody)]


def plan_of(request: Request) -> Plan:
    """FastAPI dependency: what a new rollout does unless told otherwise."""
    return cast(Plan, request.app.state.plan)


_Standard = Annotated[Plan, Depends(plan_of)]


@router.get("")
def show(request: Request, view: _See) -> HTMLResponse:
    """All rollouts, newest first; only the table when htmx asks."""
    template = "part/rollouts.html" if request.headers.get("hx-request") else "rollouts.html"
    now = view.centre.wall()
    with view.centre.database.read() as connection:
        found = [progress.of(connection, one, now) for one in rows.listed(connection, _MOST)]
    return view.page(template, words=RolloutWords(view), rollouts=found)


@router.get("/new")
def propose(
    view: _See,
    shop: Shop,
    plan: _Standard,
    name: Annotated[str, Query(max_length=60)] = "",
    version: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> HTMLResponse:
    """Which release, and how."""
    asked = (one.sha256 for one in _published(shop) if (one.name, one.version) == (name, version))
    return _form(view, shop, plan, next(asked, ""))


@router.post("/new")
def start(
    view: _See, shop: Shop, plan: _Standard, account: _Somebody, sha256: _Sha, why: _Why = "",
    soak_hours: Annotated[float, Form(ge=0, le=24 * 90)] = 24, stop: Annotated[list[int] | None, Form()] = None,
    at_once: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """The canary begins."""
    target = next((one for one in _published(shop) if one.sha256 == sha256), None)
    if target is None:
        raise HTTPException(404)
    changed = plan.model_copy(update={"soak_s": soak_hours * 3600, "pause_after": tuple(stop or ())})
    if at_once:
        changed = changed.model_copy(update={"canary_percent": 100.0})
    try:
        with view.centre.database.write() as connection:
            number = control.start(
                connection, target, changed, by=account.name, now=view.centre.wall(), why=why.strip()
            )
    except Misuse as error:
        return _form(view, shop, plan, sha256, error.say(view.language))
    return RedirectResponse(f"/rollouts/{number}", status_code=303)


@router.get("/{number}")
def one(view: _See, number: _Number) -> HTMLResponse:
    """One rollout."""
    return _page(view, number)


@router.get("/{number}/part")
def part(view: _See, number: _Number, state: Annotated[str, Query(max_length=20)] = "") -> Response:
    """What changes by itself; all of the page when the rollout is in another state than the page shows."""
    answer = _page(view, number, "part/rollout.html")
    with view.centre.database.read() as connection:
        if rows.one(connection, number).state != state:
            answer.headers["HX-Refresh"] = "true"
    return answer


@router.post("/{number}/{deed}")
def do(
    view: _See, account: _Somebody, number: _Number,
    deed: Literal["approve", "pause", "resume", "next", "stop", "abort"], why: _Why = "",
) -> Response:  # fmt: skip
    """What a person does to it; who and why go into the audit."""
    done = {
        "approve": control.approve, "pause": control.pause, "resume": control.resume, "next": control.next_wave,
        "stop": control.pause_after, "abort": control.abort,
    }[deed]  # fmt: skip
    try:
        with view.centre.database.write() as connection:
            done(connection, number, by=account.name, now=view.centre.wall(), why=why)
    except Misuse as error:
        return _page(view, number, refused=error.say(view.language), why=why)
    return RedirectResponse(f"/rollouts/{number}", status_code=303)


def _page(
    view: View, number: int, template: str = "rollout.html", refused: str = "", why: str = ""
) -> HTMLResponse:
    with view.centre.database.read() as connection:
        found = progress.of(connection, rows.one(connection, number), view.centre.wall())
        steps = progress.steps(connection, number)
    return view.page(
        template, 422 if refused else 200, words=RolloutWords(view), found=found, one=found.rollout, steps=steps,
        refused=refused, why=why, is_open=found.rollout.state in OPEN,
    )  # fmt: skip


def _form(view: View, shop: Shop, plan: Plan, sha256: str, refused: str = "") -> HTMLResponse:
    return view.page(
        "rollout_new.html", 422 if refused else 200, targets=_published(shop), plan=plan, sha256=sha256,
        refused=refused,
    )  # fmt: skip


def _published(shop: Shop) -> list[Target]:
    """What the repository lists, newest release of each name first."""
    try:
        listed = shop.publisher.repository.listed()
    except Misuse:
        return []  # there is no repository yet
    return sorted(listed, key=lambda one: (one.name, -one.release))
