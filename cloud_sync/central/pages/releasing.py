"""Changes against what is in force, submission and approval by two persons, each with the own key."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from capture.errors import Misuse
from cloud_sync.central.authoring import drafts, overriding, replaying
from cloud_sync.central.authoring.terms import Draft
from cloud_sync.central.authoring.texts import PackText
from cloud_sync.central.pages.authors import (
    Author,
    Form,
    Number,
    See,
    Shop,
    Words,
    by,
    draft_of,
    number_in,
    text_in,
)
from models.rules import toml
from models.rules.difference import Change, RuleChange, head_changes, override_changes, rule_changes
from models.rules.schema import PackFile, RulesFile

router = APIRouter(prefix="/rules")


@router.get("/draft/{number}/review")
def show(view: See, shop: Shop, number: Number) -> HTMLResponse:
    """What changed, whether the cases hold, what the replay said; and the form to submit or to approve."""
    return _page(view, shop, draft_of(view, number))


@router.post("/draft/{number}/submit")
def submit(view: See, shop: Shop, account: Author, number: Number, form: Form) -> Response:
    """The author signs."""
    note, passphrase = text_in(form, "note", 2000), text_in(form, "passphrase", 500)
    try:
        shop.publisher.submit(number, number_in(form, "edit"), note, passphrase, by(view, account))
    except Misuse as error:
        return _page(view, shop, draft_of(view, number), error.say(view.language), note)
    return RedirectResponse(f"/rules/draft/{number}/review", status_code=303)


@router.post("/draft/{number}/approve")
def approve(view: See, shop: Shop, account: Author, number: Number, form: Form) -> Response:
    """A second person signs exactly what was shown; it is published."""
    note, passphrase = text_in(form, "note", 2000), text_in(form, "passphrase", 500)
    try:
        shop.publisher.approve(number, text_in(form, "sha256", 64), note, passphrase, by(view, account))
    except Misuse as error:
        return _page(view, shop, draft_of(view, number), error.say(view.language), note)
    return RedirectResponse(f"/rules/draft/{number}/review", status_code=303)


@router.post("/draft/{number}/send-back")
def send_back(view: See, shop: Shop, account: Author, number: Number, form: Form) -> Response:
    """Rejected with a comment by somebody else, or taken back by its author."""
    try:
        shop.publisher.send_back(number, text_in(form, "why", 2000), by(view, account))
    except Misuse as error:
        return _page(view, shop, draft_of(view, number), error.say(view.language))
    return RedirectResponse(f"/rules/draft/{number}/review", status_code=303)


@router.post("/draft/{number}/withdraw")
def withdraw(view: See, shop: Shop, account: Author, number: Number, form: Form) -> Response:
    """Nobody goes on with the draft."""
    try:
        with view.centre.database.write() as connection:
            draft = drafts.withdraw(connection, number, text_in(form, "why", 2000), by(view, account))
    except Misuse as error:
        return _page(view, shop, draft_of(view, number), error.say(view.language))
    return RedirectResponse(f"/rules/pack/{draft.pack}", status_code=303)


def _page(view: See, shop: Shop, draft: Draft, refused: str = "", note: str = "") -> HTMLResponse:
    checked = shop.library.check(draft.text)
    active = shop.library.active().get(draft.pack)
    before = shop.library.version(draft.pack, draft.base_version) if draft.state == "published" else active
    head, rules = _changes(before.text if before else None, draft.text)
    target = None
    if draft.state == "published":
        target = next(
            (one.target for one in shop.library.past(draft.pack) if one.target.sha256 == draft.sha256), None
        )
    with view.centre.database.read() as connection:
        replay = replaying.newest(connection, draft.id)
        deeds = drafts.history(connection, draft.pack, draft.id)
    return view.page(
        "draft_review.html", 422 if refused else 200, words=Words(view), draft=draft, checked=checked,
        active=active, head=head, changes=rules, replay=replay, deeds=deeds, refused=refused, note=note,
        least=shop.publisher.next_version(draft.pack), target=target, tab="review",
        above=overriding.changeable(shop.library.packs(), draft.text.layer),
    )  # fmt: skip


def _changes(before: PackText | None, after: PackText) -> tuple[tuple[Change, ...], tuple[RuleChange, ...]]:
    """What differs in the head and in the rules; nothing where a text cannot be read."""
    try:
        old_head, old = _read(before) if before else (None, RulesFile())
        new_head, new = _read(after)
    except ValueError:  # tomllib's and pydantic's errors are such
        return (), ()
    head = head_changes(old_head, new_head) if old_head else ()
    return head, (*rule_changes(old.rule, new.rule), *override_changes(old.override, new.override))


def _read(text: PackText) -> tuple[PackFile, RulesFile]:
    return PackFile.model_validate(toml.loads(text.pack)), RulesFile.model_validate(toml.loads(text.rules))
