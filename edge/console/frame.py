"""What every page shares: services, texts, the viewer's language, and how values are put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from capture.screen.library import Library
from capture.text import Bilingual
from cloud_sync.kit.i18n import Texts
from cloud_sync.kit.web import Pages, age, local
from cloud_sync.wire.words import ContentState
from edge.clock import now_ms
from edge.console import wording
from edge.console.auth import Auth, Viewer
from edge.console.overlay import Overlay, overlay_of
from edge.console.settings import ConsoleSettings
from edge.content.shown import STATES, reason
from edge.hands.room import Hands
from edge.reading import ReadingRoom, SpawnedReading
from edge.services import Services
from edge.store.board import leaves_site
from edge.store.cards import Card, Decided
from edge.teaching.room import Room
from models.baseline import Alike
from models.catalogue import catalogue, meaning
from models.measurement import Measurement, NotMeasured, Reason, Value
from models.rules.verdict import Finding
from models.rules.wording import shown, sign_of

HERE = Path(str(files("edge.console")))
LANGUAGE_COOKIE = "qcbox_language"
CASE_ID = r"^[0-9a-f]{12}-[0-9a-f]{16}$"
"""Time and content hash (capture.arrival): an address never holds an identity."""
LAST_ROW = 2**63 - 1
"""Highest number a row of SQLite can have."""
_OUTLINED = frozenset({"CR", "DX", "MG", "CT", "MR", "XA", "RF", "PX", "IO", "RG"})
"""Modalities whose pixels seldom hold a patient's name; ultrasound and secondary captures often do."""


@dataclass(frozen=True, slots=True)
class Console:
    """The console's own context; made once by ``create_app``."""

    services: Services
    settings: ConsoleSettings
    auth: Auth
    pages: Pages
    zone: ZoneInfo
    teaching: Room
    hands: Hands


def make(services: Services, reading: ReadingRoom | None = None) -> Console:
    """The context of the console's pages."""
    settings = services.settings.console
    zone = ZoneInfo(services.settings.site.timezone)
    screens = services.settings.screens_path
    teaching = Room(screens, Library(screens), reading or SpawnedReading(services.settings.reading))
    all_of = services.settings
    hands = Hands(all_of.hands_path, screens, all_of.hands, all_of.retention.days)
    return Console(services, settings, Auth(services.db, settings), pages(), zone, teaching, hands)


@cache
def pages() -> Pages:
    """Texts and templates, read once in a process."""
    return Pages(Texts.load(HERE / "locales"), str(HERE / "templates"), static=HERE / "static")


@dataclass(frozen=True, slots=True)
class Unassessed:
    """Rules that could not be decided on a picture."""

    count: int
    why: str


@dataclass(frozen=True, slots=True)
class View:
    """One viewer's way of seeing: language, rights and the words for values. Templates call it ``view``."""

    console: Console
    viewer: Viewer | None
    language: str

    @property
    def site(self) -> str:
        return self.console.services.settings.site.name or self.console.services.settings.box

    @property
    def settings(self) -> ConsoleSettings:
        return self.console.settings

    def say(self, text: Bilingual | None) -> str:
        """A text that has both languages in itself."""
        return "" if text is None else text.get(self.language)

    def label(self, msgid: str, **values: object) -> str:
        """A text of the catalogue."""
        return self.console.pages.texts.say(self.language, msgid, **values)

    def word(self, family: str, key: str | None) -> str:
        """A word of a closed set: grades, severities, roles, actions; an unknown one as it is."""
        found = wording.WORDS.get((family, key or ""), key or "")
        return self.say(found) if isinstance(found, Bilingual) else self.label(found)

    def time(self, ms: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        return local(ms, self.console.zone, form)

    def clock(self, ms: int) -> str:
        """Hour and minute; with the day when it was not today."""
        today = local(now_ms(), self.console.zone, "%Y-%m-%d") == local(ms, self.console.zone, "%Y-%m-%d")
        return local(ms, self.console.zone, "%H:%M:%S" if today else "%m-%d %H:%M")

    def age(self, ms: int) -> str:
        return age(ms, now_ms(), self.language)

    def stale(self, ms: int, minutes: int) -> bool:
        return now_ms() - ms > minutes * 60_000

    def reason(self, code: str) -> str:
        """A coded reason of a reject."""
        return self.label(wording.REJECT_REASONS.get(code, code))

    def reason_of(self, code: str) -> str:
        """Why content is not taken, or was taken back."""
        return self.say(reason(code))

    def state_of(self, state: str) -> str:
        """How far a release of signed content has come."""
        return self.say(STATES[ContentState(state)])

    def span(self, ms: int) -> str:
        """A length of time, roughly."""
        return age(now_ms() - ms, now_ms(), self.language)

    def fact(self, name: str) -> str:
        """What a catalogue name means."""
        return meaning(name, self.language)

    def unit(self, name: str) -> str:
        """The unit of a catalogue name."""
        entry = catalogue().get(name)
        return "" if entry is None else entry.unit

    def sign(self, name: str) -> str:
        """The same as people write it."""
        return sign_of(self.unit(name), self.language)

    def place(self, alike: Alike) -> str:
        """What kind of images a baseline is of; the protocol's name is free text, and told as such."""
        identity = self.viewer is not None and self.viewer.sees_identity
        protocol = alike.protocol if identity else ""
        parts = (alike.modality, alike.body_part, alike.view, protocol, alike.technique)
        return " · ".join(part for part in parts if part) or "—"

    def signed(self, number: float) -> str:
        """``+1.4``: a distance in robust standard deviations."""
        return f"{number:+.1f}"

    def missing(self, fact: NotMeasured) -> str:
        """Why something was not measured; of a baseline also how far it is."""
        why = self.word("missing", fact.reason)
        return f"{why} ({fact.detail.replace(' of ', ' / ')})" if fact.reason is Reason.NO_BASELINE else why

    def evidence(self, found: Finding) -> tuple[Measurement, ...]:
        """The measurements a finding rests on, as far as this viewer may see them."""
        identity = self.viewer is not None and self.viewer.sees_identity
        return tuple(fact for fact in found.evidence if identity or leaves_site(fact.name))

    def value(self, value: Value, unit: str = "") -> str:
        """A measured value with its unit, for reading."""
        return shown(value, unit, self.language)

    def may_undo(self, decided: Decided) -> bool:
        """Whether this viewer could still take that decision back."""
        who, window = self.viewer, self.settings.undo_hours * 3_600_000
        if who is None or not who.decides or now_ms() - decided.created_at > window:
            return False
        return decided.account_id == who.account.id or who.account.role == "qc-lead"

    def person(self, name: str) -> str:
        return wording.person(name)

    def grade(self, card_modality: str | None, grade: str | None) -> str:
        """``Grade A`` for a radiograph, ``Level 3`` for CT and MR."""
        family = "level" if card_modality in ("CT", "MR") else "grade"
        return self.word(family, grade or "none")

    def means(self, card: Card) -> str:
        """What a grade asks for, of an image or a series."""
        if card.verdict_id is None:
            return self.label("Its images are still coming") if card.of_set else self.word("state", card.state)
        return self.word("means" if card.of_set is None else "means_set", card.grade or "none")

    def picture(self, card: Card) -> bool:
        """Whether there is a picture and this viewer may see it."""
        may = self.viewer is not None and (self.viewer.sees_identity or card.modality in _OUTLINED)
        return may and card.preview_sha256 is not None

    def overlay(self, card: Card) -> Overlay:
        """What is drawn over the card's picture."""
        return overlay_of(card)

    def unassessed(self, card: Card) -> Unassessed:
        """How many rules a network could not answer for this very picture, and the commonest reason.

        A network that is not installed says nothing of a picture, and is not counted.
        """
        seen_by_network = {name for name, entry in catalogue().items() if entry.needs_model}
        why = [
            next((fact.reason for fact in rule.missing if fact.name in seen_by_network), None)
            for rule in card.not_assessed
        ]
        counted = Counter(reason for reason in why if reason not in (None, Reason.NO_MODEL))
        commonest = counted.most_common(1)
        return Unassessed(counted.total(), self.word("missing", commonest[0][0]) if commonest else "")

    def html(self, template: str, **values: object) -> str:
        """A template or fragment as text."""
        return self.console.pages.text(template, self.language, view=self, now=now_ms(), **values)

    def page(self, template: str, status_code: int = 200, /, **values: object) -> HTMLResponse:
        return HTMLResponse(self.html(template, **values), status_code=status_code)


def console_of(request: Request) -> Console:
    return cast(Console, request.app.state.console)


def viewer_of(request: Request) -> Viewer | None:
    """Who looks; None on the few pages that are open."""
    return cast("Viewer | None", getattr(request.state, "viewer", None))


def view_of(request: Request) -> View:
    """FastAPI dependency: how this request's viewer sees."""
    console, viewer = console_of(request), viewer_of(request)
    language = console.pages.texts.choose(
        viewer.account.language if viewer else None,
        request.cookies.get(LANGUAGE_COOKIE),
        default=console.settings.language,
    )
    return View(console, viewer, language)


def allowed(may: Callable[[Viewer], bool]) -> Callable[[Request], Viewer]:
    """FastAPI dependency: the viewer, if it has a right; 403 otherwise."""

    def check(request: Request) -> Viewer:
        viewer = viewer_of(request)
        if viewer is None or not may(viewer):
            raise HTTPException(403)
        return viewer

    return check


anybody = allowed(lambda viewer: True)
decider = allowed(lambda viewer: viewer.decides)
administrator = allowed(lambda viewer: viewer.administers)
teacher = allowed(lambda viewer: viewer.teaches)
