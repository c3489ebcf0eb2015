"""A new pack by a form: its draft, to be filled with rules or with changes of rules of earlier layers."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.authoring import drafts, founding
from cloud_sync.central.authoring.founding import PackForm
from cloud_sync.central.pages.authors import Author, Form, See, Shop, Words, by, text_in, texts_in
from models.content.kinds import AREA_OF_MODALITY

router = APIRouter(prefix="/rules")
_EMPTY = PackForm("", "radiography", "L3", (), "", "")


@router.get("/new")
def ask(view: See, shop: Shop, account: Author) -> HTMLResponse:
    """The form."""
    return _page(view, shop, _EMPTY)


@router.post("/new")
def begin(view: See, shop: Shop, account: Author, form: Form) -> Response:
    """Its first draft. What cannot be comes back as it was typed."""
    fields = {name: text_in(form, name, 2000).strip() for name in _FIELDS}
    given = PackForm(modality=tuple(texts_in(form, "modality")), **fields)
    try:
        text = founding.begin(given, account.name)
        if given.name in shop.library.active() or shop.library.past(given.name):
            raise Misuse(
                "draft.exists",
                Bilingual(f"已有规则包 {given.name}", f"There is a pack {given.name} already"),
                Bilingual("换一个名称，或修改该规则包", "Choose another name, or draft a version of that one"),
            )
        with view.centre.database.write() as connection:
            number = drafts.begin(connection, text, "pack", ("", 0), by(view, account), f"new {given.layer}")
    except Misuse as error:
        return _page(view, shop, given, error.say(view.language))
    return RedirectResponse(f"/rules/draft/{number}", status_code=303)


_FIELDS = ("name", "area", "layer", "title_zh", "title_en", "note_zh", "note_en")


def _page(view: See, shop: Shop, form: PackForm, refused: str = "") -> HTMLResponse:
    repository = shop.publisher.repository
    signed = repository.areas() if repository.store.founded else ()
    areas = {area: founding.modalities(area) for area in ("radiography", "ct", "mr", "general")}
    return view.page(
        "pack_new.html", 422 if refused else 200, words=Words(view), form=form, refused=refused, areas=areas,
        signed=signed, layers=founding.LAYERS, modalities=sorted(AREA_OF_MODALITY),
    )  # fmt: skip
