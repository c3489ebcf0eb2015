"""The packs in force: what the repository lists, and what ships where nothing of that name was released."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from capture.errors import Misuse
from cloud_sync.central.authoring.checking import Checked, check, compiled
from cloud_sync.central.authoring.texts import FILES, PackText, read_folder
from cloud_sync.central.signing.history import Publication
from cloud_sync.central.signing.repository import Repository
from cloud_sync.updates.terms import Kind, Target
from models.content.manifest import PACKS
from models.content.package import open_package
from models.rules.pack import RulePack

_MOST_KEPT = 200
"""Texts whose check is remembered."""


@dataclass(frozen=True, slots=True)
class Active:
    """A pack in force. ``target`` None: it ships with the program."""

    name: str
    text: PackText
    kind: Kind
    version: int
    target: Target | None

    @property
    def sha256(self) -> str:
        return self.target.sha256 if self.target else ""


@dataclass(frozen=True, slots=True)
class Past:
    """A version of a pack that was released: with who signed it, when, and why."""

    target: Target
    at: int
    author: str
    signers: tuple[str, ...]
    why: str
    gone: Publication | None
    """The publication that withdrew it."""


@dataclass(slots=True)
class _Once:
    """A check that one asks for and others wait for."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    checked: Checked | None = None


class Library:
    """Reads packs for the pages and remembers what it compiled. Safe from several threads."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._lock = threading.Lock()
        self._texts: dict[str, PackText] = {}
        self._checked: dict[tuple[PackText, frozenset[str]], _Once] = {}
        self._factory: dict[str, Active] | None = None

    def factory(self) -> Mapping[str, Active]:
        """What ships with the program, by name."""
        with self._lock:
            if self._factory is None:
                folders = (one for one in (files("models.rules") / "packs").iterdir() if one.is_dir())
                texts = (read_folder(one) for one in folders if (one / "pack.toml").is_file())
                self._factory = {
                    text.name: Active(text.name, text, "pack", text.version, None)
                    for text in sorted(texts, key=lambda text: text.name)
                }
            return self._factory

    def active(self) -> dict[str, Active]:
        """Every pack in force by name: the newest release of each over what ships."""
        found = dict(self.factory())
        for target in sorted(self._listed(), key=lambda one: one.release):
            found[target.name] = Active(target.name, self.text_of(target), target.kind, target.version, target)
        return dict(sorted(found.items()))

    def past(self, name: str) -> list[Past]:
        """Every release of a pack, newest first."""
        try:
            published = [one for area in self._repository.areas() for one in self._repository.history(area)]
        except Misuse:
            return []
        gone = {target: one for one in published for target in one.removed}
        return sorted(
            (
                Past(target, one.made, one.author, one.signers, one.reason, gone.get(target))
                for one in published
                for target in one.added
                if target.name == name and target.kind in PACKS
            ),
            key=lambda past: -past.target.release,
        )

    def version(self, name: str, version: int) -> Active | None:
        """A version of a pack, whether it is in force or not: a release, or what ships. Raises OSError, Misuse."""
        for past in self.past(name):
            if past.target.version == version:
                return Active(name, self.text_of(past.target), past.target.kind, version, past.target)
        ships = self.factory().get(name)
        return ships if ships and ships.version == version else None

    def text_of(self, target: Target) -> PackText:
        """What a release says. Raises OSError, Misuse."""
        if target.sha256 not in self._texts:
            package = open_package(self._repository.content(target))
            self._texts[target.sha256] = PackText(*(package.files[name].decode() for name in FILES))
        return self._texts[target.sha256]

    def packs(self) -> tuple[RulePack, ...]:
        """The packs in force, compiled. One that cannot be read here is left out: boxes refuse it, too."""
        found = (_compiled(one.text, one.sha256 or "0" * 64) for one in self.active().values())
        return tuple(pack for pack in found if pack is not None)

    def check(self, text: PackText) -> Checked:
        """A draft beside the packs in force. Its cases run once, whoever asks, and only who asks waits for them.

        Raises:
            Misuse: the machine is too busy to run the cases.
        """
        beside = self.packs()
        key = (text, frozenset(pack.sha256 for pack in beside))
        with self._lock:
            while len(self._checked) >= _MOST_KEPT and key not in self._checked:
                del self._checked[next(iter(self._checked))]
            once = self._checked.setdefault(key, _Once())
        with once.lock:
            if once.checked is None:
                once.checked = check(text, beside)
            return once.checked

    def _listed(self) -> tuple[Target, ...]:
        try:
            return tuple(one for one in self._repository.listed() if one.kind in PACKS)
        except Misuse:
            return ()  # there is no repository yet: what ships is what judges


@lru_cache(maxsize=_MOST_KEPT)
def _compiled(text: PackText, sha256: str) -> RulePack | None:
    """The same text is the same pack, whoever asks."""
    return compiled(text, [], sha256)
