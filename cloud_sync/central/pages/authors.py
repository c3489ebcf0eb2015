"""What the pages of authoring share: who may write, the workshop, forms, and their words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Path, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from cloud_sync.central.accounts import Account
from cloud_sync.central.authoring import drafts
from cloud_sync.central.authoring.terms import By, Draft
from cloud_sync.central.authoring.workshop import Workshop
from cloud_sync.central.frame import View, view_of
from models.rules.rule import Outcome
from models.rules.selftest import OUTCOMES
from models.rules.words import EVIDENCE, GROUPS, LAYERS, REASONS, SEVERITIES

See = Annotated[View, Depends(view_of)]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
PackName = Annotated[str, Path(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


def workshop_of(request: Request) -> Workshop:
    """FastAPI dependency: the workshop."""
    return cast(Workshop, request.app.state.workshop)


def author(request: Request) -> Account:
    """FastAPI dependency: the account, if its role writes and approves rules; 403 otherwise."""
    account: Account | None = getattr(request.state, "account", None)
    if account is None or account.role != "qc-group":
        raise HTTPException(403)
    return account


async def form_of(request: Request) -> AsyncIterator[FormData]:
    """FastAPI dependency: a form as it came, so that lists of fields keep their empty ones."""
    async with request.form() as form:
        yield form


Shop = Annotated[Workshop, Depends(workshop_of)]
Author = Annotated[Account, Depends(author)]
Form = Annotated[FormData, Depends(form_of)]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of rules for templates, in the viewer's language."""

    view: View

    def layer(self, key: str) -> str:
        return f"{key} {LAYERS[key].get(self.view.language)}"

    def severity(self, key: str) -> str:
        found = next((word for name, word in SEVERITIES.items() if name == key), None)
        return found.get(self.view.language) if found else key

    def group(self, key: str) -> str:
        found = next((word for name, word in GROUPS.items() if name == key), None)
        return found.get(self.view.language) if found else key

    def evidence(self, key: str) -> str:
        return f"{key} · {EVIDENCE[key].get(self.view.language)}" if key in EVIDENCE else key

    def reason(self, key: str) -> str:
        found = next((word for name, word in REASONS.items() if name == key), None)
        return found.get(self.view.language) if found else key

    @property
    def severities(self) -> Sequence[str]:
        return [str(one) for one in SEVERITIES]

    @property
    def groups(self) -> Sequence[str]:
        return list(GROUPS)

    @property
    def evidences(self) -> Sequence[str]:
        return list(EVIDENCE)

    @property
    def layers(self) -> Sequence[str]:
        return list(LAYERS)


def text_in(form: FormData, name: str, most: int = 4000) -> str:
    """One field of a form; "" when it is not there or is a file."""
    value = form.get(name, "")
    return value[:most] if isinstance(value, str) else ""


def texts_in(form: FormData, name: str) -> list[str]:
    """All fields of one name, empty ones among them."""
    return [value if isinstance(value, str) else "" for value in form.getlist(name)]


def number_in(form: FormData, name: str) -> int:
    """A number that our own page put into a form; -1 when it is none."""
    text = text_in(form, name, 20)
    return int(text) if text.isascii() and text.isdigit() else -1


def cases_in(form: FormData) -> dict[Outcome, list[str]]:
    """The cases of a rule by outcome, one a line."""
    return {
        outcome: [line.strip() for line in text_in(form, f"case_{outcome}", 20_000).splitlines() if line.strip()]
        for outcome in OUTCOMES
    }


def by(view: View, account: Account) -> By:
    """Who does it now."""
    return By(account.name, view.centre.wall())


def draft_of(view: View, number: int) -> Draft:
    """A draft for a page. Raises Misuse."""
    with view.centre.database.read() as connection:
        return drafts.read(connection, number)
