"""The form for what a draft changes in a rule of an earlier layer: limits, severity, points, on or off; cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.errors import Misuse
from cloud_sync.central.authoring import drafts, editing, overriding
from cloud_sync.central.authoring.forms import LimitForm
from cloud_sync.central.authoring.overriding import OverrideForm
from cloud_sync.central.authoring.terms import Draft
from cloud_sync.central.authoring.workshop import Workshop
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
from models.rules.rule import Outcome, Rule
from models.rules.schema import Bounded

router = APIRouter(prefix="/rules/draft/{number}/override")
_Rule = Annotated[str, Query(max_length=80)]
_OUTCOMES: Sequence[Outcome] = ("passes", "fails", "vetoes")


@router.get("")
def show(view: See, shop: Shop, number: Number, rule: _Rule) -> HTMLResponse:
    """What the draft changes in one rule; with cases of the rule's own pack to begin with."""
    draft = draft_of(view, number)
    form = overriding.read_override(draft.text.rules, rule)
    cases: Mapping[Outcome, Sequence[str]] = editing.case_lines(draft.text.cases, rule)
    if form.is_empty and not cases:
        own = next((one for one in shop.library.packs() if one.name == _base(shop, draft, rule).pack), None)
        cases = overriding.own_cases(own, rule) if own else {}
    return _page(view, shop, draft, form, cases)


@router.post("")
def save(view: See, shop: Shop, account: Author, number: Number, rule: _Rule, form: Form) -> Response:
    """Save it with its cases as one edit. What cannot be written down comes back as it was typed."""
    draft, given = draft_of(view, number), _form_in(form, rule)
    cases = cases_in(form)
    try:
        text = replace(
            draft.text,
            rules=overriding.write_override(draft.text.rules, given, _base(shop, draft, rule)),
            cases=editing.write_cases(draft.text.cases, rule, cases),
        )
        with view.centre.database.write() as connection:
            drafts.save(connection, number, number_in(form, "edit"), text, f"override {rule}", by(view, account))
    except Misuse as error:
        return _page(view, shop, draft, given, cases, error.say(view.language), number_in(form, "edit"))
    return RedirectResponse(f"/rules/draft/{number}/override?rule={rule}&saved=1", status_code=303)


@router.post("/remove")
def remove(view: See, account: Author, number: Number, form: Form) -> RedirectResponse:
    """The rule stands as its own pack has it; the cases go with the change."""
    rule, draft = text_in(form, "rule", 80), draft_of(view, number)
    text = replace(
        draft.text,
        rules=overriding.remove_override(draft.text.rules, rule),
        cases=editing.remove_cases(draft.text.cases, rule),
    )
    with view.centre.database.write() as connection:
        drafts.save(connection, number, number_in(form, "edit"), text, f"left {rule}", by(view, account))
    return RedirectResponse(f"/rules/draft/{number}", status_code=303)


def _base(shop: Workshop, draft: Draft, rule: str) -> Rule:
    """The rule as its own pack has it; 404 for one that this draft may not change."""
    found = overriding.changeable(shop.library.packs(), draft.text.layer).get(rule)
    if found is None:
        raise HTTPException(404)
    return found


def _form_in(form: FormData, rule: str) -> OverrideForm:
    said = {name: text_in(form, name).strip() for name in ("enabled", "severity", "deduct_warn", "deduct_fail")}
    rows = zip(texts_in(form, "limit_name"), texts_in(form, "limit_value"), strict=False)
    return OverrideForm(rule, **said, limits=tuple(LimitForm(name, value.strip()) for name, value in rows))


def _page(
    view: See, shop: Workshop, draft: Draft, form: OverrideForm, cases: Mapping[Outcome, Sequence[str]],
    refused: str = "", seen: int | None = None,
) -> HTMLResponse:  # fmt: skip
    base, checked = _base(shop, draft, form.rule), shop.library.check(draft.text)
    typed = {limit.name: limit.value for limit in form.limits}
    limits = [
        (name, given, isinstance(given, Bounded), typed.get(name, "")) for name, given in base.spec.limit.items()
    ]
    return view.page(
        "draft_override.html", 422 if refused else 200, words=Words(view), draft=draft, checked=checked, base=base,
        form=form, limits=limits, cases=cases, outcomes=_OUTCOMES, refused=refused, tab="rules",
        seen=draft.edit if seen is None else seen,
        lines=[line for line in checked.cases if line.rule == form.rule],
    )  # fmt: skip
