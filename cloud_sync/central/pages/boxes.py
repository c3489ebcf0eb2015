"""One box: what it runs, how releases went on it, what its site changed; and the changes of all sites."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from cloud_sync.central import fleet
from cloud_sync.central.accounts import Account
from cloud_sync.central.frame import View, view_of
from cloud_sync.central.pages.authors import Shop
from cloud_sync.central.pages.rollout_words import RolloutWords
from cloud_sync.central.pages.rollouts import somebody
from cloud_sync.central.rollout import content, control

router = APIRouter()
_See = Annotated[View, Depends(view_of)]
_Box = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


@router.get("/boxes/{box}")
def one(view: _See, shop: Shop, box: _Box) -> HTMLResponse:
    """What judges on one box, releases, overrides, groups."""
    with view.centre.database.read() as connection:
        found = content.of(connection, box)
        changes = content.changes(connection, shop.library.packs(), box)
        row = next(iter(fleet.boxes(connection, box)), None)
    if found is None or row is None:
        raise HTTPException(404)
    return view.page("box.html", words=RolloutWords(view), found=found, box=row, changes=changes)


@router.post("/boxes/{box}/groups")
def group(
    view: _See, account: Annotated[Account, Depends(somebody)], box: _Box,
    groups: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:  # fmt: skip
    """The groups of a box, in place of those before."""
    with view.centre.database.write() as connection:
        names = groups.replace(",", " ").split()
        control.put_in_group(connection, box, names, by=account.name, now=view.centre.wall())
    return RedirectResponse(f"/boxes/{box}", status_code=303)


@router.get("/overrides")
def overrides(request: Request, view: _See, shop: Shop) -> HTMLResponse:
    """What sites changed for themselves; only the table when htmx asks."""
    template = "part/overrides.html" if request.headers.get("hx-request") else "overrides.html"
    with view.centre.database.read() as connection:
        changes = content.changes(connection, shop.library.packs())
    return view.page(template, words=RolloutWords(view), changes=changes, with_box=True)
