"""Who signs what boxes may run, until when, what waits, what was published; how two persons withdraw a release."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.errors import Misuse
from cloud_sync.central.authoring import running
from cloud_sync.central.authoring.withdrawing import Withdrawal
from cloud_sync.central.pages.authors import Author, Form, See, Shop, by, text_in
from cloud_sync.central.rollout import rows
from cloud_sync.central.rollout.terms import OPEN
from cloud_sync.central.signing import standing
from cloud_sync.updates.terms import Target

router = APIRouter(prefix="/signing")
_Id = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,80}$")]
_MOST = 50


@router.get("")
def show(view: See, shop: Shop) -> HTMLResponse:
    """Roles, proposals, what boxes may run and the latest publications. Raises Misuse ``repository.damaged``."""
    repository = shop.publisher.repository
    founded = repository.store.founded
    published = (one for area in repository.areas() for one in repository.history(area)) if founded else ()
    with view.centre.database.read() as connection:
        runs = running.by_release(connection)
    return view.page(
        "signing.html",
        founded=founded,
        roles=tuple(standing.roles(repository)) if founded else (),
        ending={role.name for role in standing.ending(repository, view.centre.wall())} if founded else set(),
        proposals=repository.proposals(),
        withdrawals={one.id: one for one in shop.withdrawer.waiting()},
        listed=sorted(repository.listed(), key=lambda one: (one.name, -one.release)) if founded else (),
        runs=runs,
        published=sorted(published, key=lambda one: -one.made)[:_MOST],
    )


@router.get("/withdraw")
def ask(view: See, shop: Shop, path: Annotated[str, Query(max_length=200)]) -> HTMLResponse:
    """What would become of the boxes without a release, and the form to propose that."""
    target = shop.withdrawer.listed(path)
    if target is None:
        raise HTTPException(404)
    return _page(view, shop, target)


@router.post("/withdraw")
def propose(view: See, shop: Shop, account: Author, form: Form) -> Response:
    """The first person signs."""
    path, reason = text_in(form, "path", 200), text_in(form, "reason", 500)
    target = shop.withdrawer.listed(path)
    if target is None:
        raise HTTPException(404)
    try:
        id = shop.withdrawer.propose(path, reason, text_in(form, "passphrase", 500), by(view, account))
    except Misuse as error:
        return _page(view, shop, target, refused=error.say(view.language), reason=reason)
    return RedirectResponse(f"/signing/withdrawal/{id}", status_code=303)


@router.get("/withdrawal/{id}")
def waiting(view: See, shop: Shop, id: _Id) -> HTMLResponse:
    """A withdrawal that waits for the second person. Raises Misuse."""
    found = shop.withdrawer.one(id)
    return _page(view, shop, found.target, found)


@router.post("/withdrawal/{id}/approve")
def approve(view: See, shop: Shop, account: Author, id: _Id, form: Form) -> Response:
    """The second person signs; it is published."""
    found = shop.withdrawer.one(id)
    try:
        shop.withdrawer.approve(id, text_in(form, "passphrase", 500), by(view, account))
    except Misuse as error:
        return _page(view, shop, found.target, found, error.say(view.language))
    return RedirectResponse("/signing", status_code=303)


@router.post("/withdrawal/{id}/drop")
def drop(view: See, shop: Shop, account: Author, id: _Id, form: Form) -> Response:
    """The release stays in force."""
    found = shop.withdrawer.one(id)
    try:
        shop.withdrawer.drop(id, text_in(form, "why", 500), by(view, account))
    except Misuse as error:
        return _page(view, shop, found.target, found, error.say(view.language))
    return RedirectResponse("/signing", status_code=303)


def _page(
    view: See, shop: Shop, target: Target, found: Withdrawal | None = None, refused: str = "", reason: str = ""
) -> HTMLResponse:
    with view.centre.database.read() as connection:
        falls = shop.withdrawer.falls(connection, target)
        rollouts = [one for one in rows.listed(connection, None, *OPEN) if one.target.sha256 == target.sha256]
    return view.page(
        "withdraw.html", 422 if refused else 200, target=target, found=found, falls=falls, rollouts=rollouts,
        refused=refused, reason=reason,
    )  # fmt: skip
