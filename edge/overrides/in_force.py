"""The rules as the QC group signed them, for pages that show what a site may change in them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from edge.content.chosen import Chosen
from edge.content.loading import Refused, packages
from edge.overrides.site import packs_of
from edge.store import content, overrides
from edge.store.database import Database
from models.content.overrides import SiteOverrides
from models.content.rules import rule_set
from models.rules.pack import RuleSet


def site_packs(connection: Connection) -> tuple[SiteOverrides, ...]:
    """What the site changed, as the packs that judge."""
    return packs_of(overrides.in_force(connection))


class Rulebook:
    """Reads the packs in force, verified, when it is first asked and when they have changed."""

    def __init__(self, db: Database, folder: Path) -> None:
        """``folder``: of signed content."""
        self._db, self._folder = db, folder
        self._lock = threading.Lock()
        self._read: tuple[Chosen, RuleSet] | None = None
        self._tell: Callable[[], None] = lambda: None

    def standard(self) -> RuleSet:
        """The rules in force without the site's changes. Takes a second after a change: not in the event loop."""
        chosen = self._db.read(lambda connection: content.chosen(connection, Chosen(self._folder))).settled
        with self._lock:
            if self._read is None or self._read[0] != chosen:
                self._read = chosen, _rules(chosen)
            return self._read[1]

    def on_change(self, tell: Callable[[], None]) -> None:
        """Whom :meth:`changed` tells."""
        self._tell = tell

    def changed(self) -> None:
        """The site changed a rule: the workers shall judge by it."""
        self._tell()


def _rules(chosen: Chosen) -> RuleSet:
    try:
        return rule_set(packages(chosen))
    except Refused:  # a release is not what it was: it falls at this moment, and what ships stands in
        return rule_set(packages(Chosen()))
