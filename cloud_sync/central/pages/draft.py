"""A draft: its rules, the form of one rule with its cases, its text, and every step back and forth.

Form and text end in the same call: the pack's text is the draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.errors import Misuse
from cloud_sync.central.authoring import drafts, editing, forms, overriding
from cloud_sync.central.authoring.checking import Checked, check_condition
from cloud_sync.central.authoring.forms import LimitForm, RuleForm
from cloud_sync.central.authoring.terms import Draft
from cloud_sync.central.authoring.texts import FILES
from cloud_sync.central.pages.authors import (
    Author,
    Form,
    Number,
    See,
    Shop,
    Words,
    by,
    cases_in,
    draft_of,
    number_in,
    text_in,
    texts_in,
)
from cloud_sync.central.pages.rules import download
from models.catalogue import Entry, catalogue
from models.rules.difference import rule_changes
from models.rules.expression import ExpressionError
from models.rules.rule import Outcome
from models.rules.schema import ABSENT

router = APIRouter(prefix="/rules")
TEXT = "/rules/text"
LARGEST_TEXT = 3_300_000
"""Bytes of a form with one file's text: a Chinese character takes nine in a form's encoding."""
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_Rule = Annotated[str, Query(max_length=80)]
_SHOWN: Sequence[Outcome] = ("passes", "warns", "fails", "vetoes", "not_assessed", "skips")


@router.get("/draft/{number}")
def show(view: See, shop: Shop, number: Number) -> HTMLResponse:
    """The draft's rules, with what is wrong and what changed."""
    draft = draft_of(view, number)
    checked = shop.library.check(draft.text)
    active = shop.library.active().get(draft.pack)
    before = next((pack for pack in shop.library.packs() if pack.name == draft.pack), None)
    rules = checked.pack.rules if checked.pack else ()
    changes = rule_changes((rule.spec for rule in before.rules) if before else (), (rule.spec for rule in rules))
    with view.centre.database.read() as connection:
        edits = drafts.edits(connection, number)
    return view.page(
        "draft.html", words=Words(view), draft=draft, checked=checked, active=active, rules=rules, edits=edits,
        changed={one.rule: one for one in changes}, tab="rules",
        above=overriding.changeable(shop.library.packs(), draft.text.layer),
    )  # fmt: skip


@router.get("/draft/{number}/rule")
def rule(view: See, shop: Shop, number: Number, id: _Rule) -> HTMLResponse:
    """The form of one rule."""
    draft = draft_of(view, number)
    form = forms.read_rule(draft.text.rules, id)
    if form is None:
        raise HTTPException(404)
    return _form(view, draft, shop.library.check(draft.text), id, form, editing.case_lines(draft.text.cases, id))


@router.post("/draft/{number}/rule")
def save_rule(view: See, shop: Shop, account: Author, number: Number, id: _Rule, form: Form) -> Response:
    """Save a rule and its cases as one edit. What cannot be written down comes back as it was typed."""
    given, cases = _rule_in(form, id), cases_in(form)
    draft = draft_of(view, number)
    try:
        text = replace(
            draft.text,
            rules=editing.write_rule(draft.text.rules, id, given),
            cases=editing.write_cases(draft.text.cases, id, cases),
        )
        with view.centre.database.write() as connection:
            drafts.save(connection, number, number_in(form, "edit"), text, f"rule {id}", by(view, account))
    except Misuse as error:
        said = error.say(view.language)
        return _form(view, draft, shop.library.check(draft.text), id, given, cases, said, number_in(form, "edit"))
    return RedirectResponse(f"/rules/draft/{number}/rule?id={id}&saved=1", status_code=303)


@router.post("/draft/{number}/add")
def add(view: See, account: Author, number: Number, form: Form) -> RedirectResponse:
    """A new rule, to be filled in."""
    id = text_in(form, "id", 80).strip()
    draft = draft_of(view, number)
    text = replace(draft.text, rules=editing.add_rule(draft.text.rules, id))
    with view.centre.database.write() as connection:
        drafts.save(connection, number, number_in(form, "edit"), text, f"added {id}", by(view, account))
    return RedirectResponse(f"/rules/draft/{number}/rule?id={id}", status_code=303)


@router.post("/draft/{number}/remove")
def remove(view: See, account: Author, number: Number, form: Form) -> RedirectResponse:
    """Take a rule out, with its cases."""
    id = text_in(form, "id", 80)
    draft = draft_of(view, number)
    text = replace(
        draft.text,
        rules=editing.remove_rule(draft.text.rules, id),
        cases=editing.remove_cases(draft.text.cases, id),
    )
    with view.centre.database.write() as connection:
        drafts.save(connection, number, number_in(form, "edit"), text, f"removed {id}", by(view, account))
    return RedirectResponse(f"/rules/draft/{number}", status_code=303)


@router.get("/draft/{number}/text")
def text(
    view: See, shop: Shop, number: Number, file: Annotated[str, Query(max_length=20)] = "rules.toml"
) -> Response:
    """One of the pack's files as it is written."""
    draft = draft_of(view, number)
    if file not in FILES:
        raise HTTPException(404)
    return _text_page(view, draft, shop.library.check(draft.text), file, draft.text.files[file])


@router.post("/text")
def save_text(view: See, shop: Shop, account: Author, form: Form) -> Response:
    """Save one file's text. The address has no draft in it: it takes larger bodies than others."""
    number, file, body = number_in(form, "draft"), text_in(form, "file"), text_in(form, "text", LARGEST_TEXT)
    draft = draft_of(view, number)
    if file not in FILES:
        raise HTTPException(404)
    try:
        with view.centre.database.write() as connection:
            after = draft.text.with_file(file, body)
            drafts.save(connection, number, number_in(form, "edit"), after, f"text {file}", by(view, account))
    except Misuse as error:
        said, seen = error.say(view.language), number_in(form, "edit")
        return _text_page(view, draft, shop.library.check(draft.text), file, body, said, seen)
    return RedirectResponse(f"/rules/draft/{number}/text?file={file}&saved=1", status_code=303)


@router.get("/draft/{number}/cases")
def cases(view: See, shop: Shop, number: Number) -> HTMLResponse:
    """Every case of the draft with what came out."""
    draft = draft_of(view, number)
    return view.page(
        "draft_cases.html", words=Words(view), draft=draft, checked=shop.library.check(draft.text), tab="cases"
    )


@router.post("/draft/{number}/step")
def step(view: See, account: Author, number: Number, form: Form) -> RedirectResponse:
    """Undo, redo, or stand at any other edit."""
    with view.centre.database.write() as connection:
        drafts.step(connection, number, number_in(form, "edit"), number_in(form, "to"), by(view, account))
    return RedirectResponse(f"/rules/draft/{number}", status_code=303)


@router.get("/draft/{number}/export.zip")
def export(view: See, number: Number) -> Response:
    """The draft as a folder in a zip."""
    draft = draft_of(view, number)
    return download(draft.pack, draft.text)


@router.post("/check")
def check(view: See, account: Author, form: Form, part: Annotated[str, Query(max_length=10)]) -> HTMLResponse:
    """One expression as it is typed: what it refers to, or where it is wrong, in words."""
    typed = text_in(form, part).replace("\r\n", "\n").strip()
    limits = {limit.name.strip(): forms.type_of_limit(limit.value) for limit in _limits_in(form)}
    said: dict[str, object]
    try:
        names = sorted(check_condition(typed, limits).names) if typed else []
        said = {"error": None, "names": names, "known": _entries(names)}
    except ExpressionError as error:
        said = {"error": error, "pointed": _pointed(typed, error)}
    return view.page("part/expression.html", words=Words(view), typed=typed, needed=part == "fails", **said)


@router.get("/names")
def names(view: See, q: Annotated[str, Query(max_length=80)] = "") -> HTMLResponse:
    """Measurements that an expression may use, by any word of their name or meaning."""
    words = q.lower().split()
    found = [
        entry
        for entry in catalogue().values()
        if words and all(word in f"{entry.name} {entry.zh} {entry.en}".lower() for word in words)
    ]
    return view.page("part/names.html", found=found[:12], more=len(found) > 12, asked=bool(words))


def _entries(names: Sequence[str]) -> dict[str, Entry]:
    """What there is to say of each name that is a measurement's."""
    known = catalogue()
    return {name: known[plain] for name in names if (plain := name.removeprefix(ABSENT)) in known}


@dataclass(frozen=True, slots=True)
class Pointed:
    """A line with the part that is wrong; ``column`` is where that begins, from 1."""

    column: int
    before: str
    wrong: str
    after: str


def _pointed(typed: str, error: ExpressionError) -> Pointed:
    """The whole name where the engine points into one (at the dot, for a name that it does not know)."""
    lines = typed.split("\n")
    line = lines[error.line - 1] if error.line <= len(lines) else ""
    at = min(error.column - 1, len(line))
    name = next((one for one in _NAME.finditer(line) if one.start() <= at < one.end()), None)
    start, end = name.span() if name else (at, at + 1)
    return Pointed(start + 1, line[:start], line[start:end], line[end:])


def _form(
    view: See, draft: Draft, checked: Checked, id: str, form: RuleForm, cases: Mapping[Outcome, Sequence[str]],
    refused: str = "", seen: int | None = None,
) -> HTMLResponse:  # fmt: skip
    """The form of a rule; ``refused``: why what was typed could not be saved."""
    compiled = next((rule for rule in checked.pack.rules if rule.spec.id == id), None) if checked.pack else None
    return view.page(
        "draft_rule.html", 422 if refused else 200, words=Words(view), draft=draft, checked=checked, id=id,
        form=form, cases=cases, outcomes=_SHOWN, refused=refused, seen=draft.edit if seen is None else seen,
        lines=[line for line in checked.cases if line.rule == id], compiled=compiled, tab="rules",
    )  # fmt: skip


def _text_page(
    view: See, draft: Draft, checked: Checked, file: str, body: str, refused: str = "", seen: int | None = None
) -> HTMLResponse:
    return view.page(
        "draft_text.html", 422 if refused else 200, words=Words(view), draft=draft, checked=checked, file=file,
        files=FILES, body=body, refused=refused, seen=draft.edit if seen is None else seen, tab="text",
    )  # fmt: skip


def _rule_in(form: FormData, id: str) -> RuleForm:
    fields = (
        "severity", "group", "deduct_warn", "deduct_fail", "source", "evidence", "title_zh", "advice_zh",
        "title_en", "advice_en", "when", "warn", "fails", "veto_when",
    )  # fmt: skip
    said = {name: text_in(form, name).strip() for name in fields}
    return RuleForm(
        id=id, enabled=text_in(form, "enabled") == "on", limits=_limits_in(form),
        **{**said, "when": said["when"] or "true"},
    )  # fmt: skip


def _limits_in(form: FormData) -> tuple[LimitForm, ...]:
    columns = (texts_in(form, name) for name in ("limit_name", "limit_value", "limit_min", "limit_max"))
    return tuple(LimitForm(*(cell.strip() for cell in row)) for row in zip(*columns, strict=False))
