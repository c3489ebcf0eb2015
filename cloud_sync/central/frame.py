"""What every page of the centre shares: database, texts, who looks, and how values are put into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from capture.text import Bilingual
from cloud_sync.central.accounts import Account
from cloud_sync.central.auth import Auth
from cloud_sync.central.database import Database
from cloud_sync.central.ingest import IngestStatus
from cloud_sync.central.pages.wording import WORDS
from cloud_sync.central.settings import PortalSettings
from cloud_sync.kit.i18n import Texts
from cloud_sync.kit.web import Pages, age, local
from cloud_sync.wire.words import Value
from models.catalogue import meaning
from models.rules.wording import shown

HERE = Path(str(files("cloud_sync.central")))
LANGUAGE_COOKIE = "qcbox_language"


@dataclass(frozen=True, slots=True)
class Centre:
    """The pages' own context; made once."""

    settings: PortalSettings
    database: Database
    auth: Auth
    pages: Pages
    zone: ZoneInfo
    ingest: Callable[[], IngestStatus]
    wall: Callable[[], int]


def make(
    settings: PortalSettings, database: Database, ingest: Callable[[], IngestStatus], wall: Callable[[], int]
) -> Centre:
    """The context of the pages over one database."""
    auth = Auth(database, settings.session_hours, wall)
    return Centre(settings, database, auth, pages(), ZoneInfo(settings.timezone), ingest, wall)


@cache
def pages() -> Pages:
    """Texts and templates, read once in a process."""
    return Pages(Texts.load(HERE / "locales"), str(HERE / "templates"), static=HERE / "static")


@dataclass(frozen=True, slots=True)
class View:
    """One viewer's way of seeing. Templates call it ``view``."""

    centre: Centre
    account: Account | None
    language: str
    path: str

    def word(self, key: str | None) -> str:
        """A word of a closed set (grade, severity, role, dimension); an unknown one as it is."""
        found = WORDS.get(key or "", key or "")
        return (
            found.get(self.language)
            if isinstance(found, Bilingual)
            else self.centre.pages.texts.say(self.language, found)
        )

    def title(self, zh: str, en: str) -> str:
        """A text that has both languages in itself."""
        return zh if self.language.startswith("zh") else en

    def fact(self, name: str) -> str:
        """What a catalogue name means."""
        return meaning(name, self.language)

    def value(self, value: Value, unit: str) -> str:
        """A measured value with its unit, for reading."""
        return shown(value, unit, self.language)

    def time(self, ms: int) -> str:
        return local(ms, self.centre.zone)

    def age(self, ms: int) -> str:
        return age(ms, self.centre.wall(), self.language)

    def duration(self, seconds: float) -> str:
        """A span of time in words."""
        return age(0, int(seconds * 1000), self.language)

    @property
    def ingest(self) -> IngestStatus:
        return self.centre.ingest()

    def page(self, template: str, status_code: int = 200, /, **values: object) -> HTMLResponse:
        """A template as a response."""
        return HTMLResponse(self.centre.pages.text(template, self.language, view=self, **values), status_code)


def centre_of(request: Request) -> Centre:
    return cast(Centre, request.app.state.centre)


def view_of(request: Request) -> View:
    """FastAPI dependency: how this request's viewer sees."""
    centre = centre_of(request)
    language = centre.pages.texts.choose(
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language"),
        default=centre.settings.language,
    )
    return View(centre, getattr(request.state, "account", None), language, request.url.path)


def administrator(request: Request) -> Account:
    """FastAPI dependency: the account, if it is an administrator's; 403 otherwise."""
    account: Account | None = getattr(request.state, "account", None)
    if account is None or account.role != "admin":
        raise HTTPException(403)
    return account
