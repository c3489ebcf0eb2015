"""The rules in force by layer, modality and pack; one pack with its history; drafts begun, packs in and out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import accounts
from cloud_sync.central.authoring import drafts, running
from cloud_sync.central.authoring.editing import set_version
from cloud_sync.central.authoring.library import Active
from cloud_sync.central.authoring.texts import PackText, as_zip, from_zip
from cloud_sync.central.pages.authors import Author, Form, PackName, See, Shop, Words, by, number_in, text_in
from models.rules.pack import RulePack
from models.rules.rule import Rule

router = APIRouter(prefix="/rules")
_Text = Annotated[str, Query(max_length=200)]
IMPORT = "/rules/import"
LARGEST_IMPORT = 4_000_000
"""Bytes of a zip that is brought in."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One pack in the list, with those of its rules that were asked for."""

    active: Active
    pack: RulePack
    rules: tuple[Rule, ...]


@router.get("")
def show(
    request: Request,
    view: See,
    shop: Shop,
    q: _Text = "",
    layer: _Text = "",
    modality: _Text = "",
    pack: _Text = "",
) -> HTMLResponse:
    """Rules, filtered; only the list when htmx asks."""
    active = shop.library.active()
    packs = shop.library.packs()
    shelves = [
        Shelf(active[one.name], one, rules)
        for one in packs
        if pack in ("", one.name) and layer in ("", one.layer) and (not modality or modality in one.scope.modality)
        if (rules := tuple(rule for rule in one.rules if _found(rule, q))) or (not q and one.overrides)
    ]
    with view.centre.database.read() as connection:
        found = {
            "fleet": running.running(connection), "overridden": running.overridden(connection),
            "open": {draft.pack: draft for draft in drafts.open_drafts(connection)},
        }  # fmt: skip
    known = {one.name for one in packs}
    part = request.headers.get("hx-request") and not request.headers.get("hx-history-restore-request")
    return view.page(
        "part/rules.html" if part else "rules.html", words=Words(view), shelves=shelves, packs=packs, **found,
        begun=[draft for name, draft in found["open"].items() if name not in known],
        count=sum(len(shelf.rules) for shelf in shelves),
        modalities=sorted({one for pack in packs for one in pack.scope.modality}),
        asked={"q": q, "layer": layer, "modality": modality, "pack": pack},
    )  # fmt: skip


@router.get("/pack/{name}")
def one(view: See, shop: Shop, name: PackName) -> HTMLResponse:
    """A pack: what it speaks of, what runs, its releases and what was done with it."""
    active = shop.library.active().get(name)
    pack = next((one for one in shop.library.packs() if one.name == name), None)
    with view.centre.database.read() as connection:
        deeds = drafts.history(connection, name)
        open_ = next((draft for draft in drafts.open_drafts(connection) if draft.pack == name), None)
        fleet = running.running(connection)[name]
        overridden = running.overridden(connection)
    if active is None and not deeds:
        raise HTTPException(404)
    return view.page(
        "pack.html", words=Words(view), name=name, active=active, pack=pack, deeds=deeds, draft=open_, fleet=fleet,
        past=shop.library.past(name), ships=shop.library.factory().get(name), overridden=overridden,
    )  # fmt: skip


@router.post("/begin")
def begin(view: See, shop: Shop, account: Author, form: Form) -> RedirectResponse:
    """A draft of a pack, from what is in force or from an older version (a release with old content)."""
    name, version = text_in(form, "pack", 60), number_in(form, "version")
    active = shop.library.active().get(name)
    chosen = active if version < 0 else shop.library.version(name, version)
    if active is None or chosen is None:
        raise HTTPException(404)
    text = replace(chosen.text, pack=set_version(chosen.text.pack, shop.publisher.next_version(name)))
    came = f"{chosen.version} → {text.version}"
    what = f"back {came}" if version >= 0 else f"begun {came}"
    base = (active.sha256, active.version)
    with view.centre.database.write() as connection:
        number = drafts.begin(connection, text, active.kind, base, by(view, account), what)
    return RedirectResponse(f"/rules/draft/{number}", status_code=303)


@router.get("/pack/{name}/export.zip")
def export(view: See, shop: Shop, name: PackName, version: Annotated[int, Query(ge=0, le=2**31)] = 0) -> Response:
    """A version of a pack as a folder in a zip; 0: the one in force."""
    chosen = shop.library.version(name, version) if version else shop.library.active().get(name)
    if chosen is None:
        raise HTTPException(404)
    with view.centre.database.write() as connection:
        who = view.account.name if view.account else ""
        accounts.note(connection, view.centre.wall(), who, "pack.exported", f"{name} {chosen.version}")
    return download(name, chosen.text)


def download(name: str, text: PackText) -> Response:
    """A pack's folder as a zip."""
    headers = {"Content-Disposition": f'attachment; filename="{name}-{text.version}.zip"'}
    return Response(as_zip(name, text), media_type="application/zip", headers=headers)


@router.post("/import")
def bring_in(view: See, shop: Shop, account: Author, form: Form) -> RedirectResponse:
    """A zip becomes a draft: the next edit of the open draft of its pack, or a new draft."""
    file = form.get("file")
    text = from_zip(file.file.read(LARGEST_IMPORT) if isinstance(file, UploadFile) else b"")
    if not text.name:
        raise Misuse(
            "draft.file",
            Bilingual("pack.toml 中没有可读的 name", "There is no readable name in pack.toml"),
            Bilingual("改正 pack.toml 后再导入", "Mend pack.toml and bring it in again"),
        )
    active = shop.library.active().get(text.name)
    base = (active.sha256, active.version) if active else ("", 0)
    least = shop.publisher.next_version(text.name)
    if text.version < least:
        text = replace(text, pack=set_version(text.pack, least))
    who = by(view, account)
    with view.centre.database.write() as connection:
        open_ = next((draft for draft in drafts.open_drafts(connection) if draft.pack == text.name), None)
        if open_ is not None:
            drafts.save(connection, open_.id, open_.edit, text, f"brought_in {text.version}", who)
            number = open_.id
        else:
            kind = active.kind if active else "pack"
            number = drafts.begin(connection, text, kind, base, who, f"brought_in {text.version}")
    return RedirectResponse(f"/rules/draft/{number}", status_code=303)


def _found(rule: Rule, wanted: str) -> bool:
    """Whether a rule has all the words that are looked for, somewhere in what it says."""
    spec = rule.spec
    said = " ".join(
        (spec.id, spec.text.zh.title, spec.text.en.title, spec.text.zh.advice, spec.text.en.advice, spec.source,
         spec.fails, spec.warn or "", rule.pack)
    ).lower()  # fmt: skip
    return all(word in said for word in wanted.lower().split())
