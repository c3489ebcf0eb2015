"""The one door for content: bytes, their hash, the signed list, and then the content, parsed from those bytes.

Every worker comes through here at its start and at every change. What does not pass never judges: its slot falls
to the previous release, then to the factory's, and the answer says so. There is no other way to load content in
the appliance; a contract test of the import graph holds that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from capture.errors import Bug, Misuse
from capture.text import Bilingual
from cloud_sync.updates.terms import Target, Untrusted
from edge.content.chosen import Chosen, Held, Slot, package_path
from edge.content.trusting import factory_list, trust_of
from models.bundles.bundle import read_bundle
from models.content import factory
from models.content.load import content_of, learn
from models.content.package import LARGEST, Package, open_package

if TYPE_CHECKING:
    from models.judge import Content

Origin = Literal["factory", "group"]


@dataclass(frozen=True, slots=True)
class Running:
    """One package that judges."""

    name: str
    version: int
    sha256: str
    kind: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Fallen:
    """One release that was chosen and cannot be run."""

    name: str
    sha256: str
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What a choice came to."""

    running: tuple[Running, ...]
    fallen: tuple[Fallen, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """Content that was verified, and what could not be."""

    content: Content
    account: Account


class Refused(Exception):
    """A package that is not run. ``code`` is stable: ``trust.*`` of the signed list, else of the package."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code, self.detail = code, detail


def load(chosen: Chosen, before: Content | None = None) -> Loaded:
    """What shall judge, verified now.

    Args:
        chosen: what the rows say.
        before: what this process judged with until now. Every package is hashed and looked up all the same; what
            was made of the same bytes is not made once more.

    Raises:
        Bug: what ships with the program is damaged: there is nothing to fall back to.
    """
    door = _Door(chosen)
    fallen: list[Fallen] = []
    slots = [_Standing(slot) for slot in chosen.slots]
    trial = list(chosen.trial)
    while True:
        picked = _Picked([], [])
        try:
            packed, tried = door.packages(slots, picked, fallen), door.trials(trial, fallen)
            content = content_of(packed, tried, chosen.overrides, before)
        except Misuse as error:
            # They do not fit together: the newest goes first, what was never shown before what was.
            newest = _give_way(slots, trial)
            if newest is None:
                raise _damaged(error.code) from error
            fallen.append(Fallen(newest.name, newest.sha256, error.code, error.text.en))
        else:
            return Loaded(content, Account(tuple(picked.running), tuple(fallen)))


def packages(chosen: Chosen) -> Iterator[Package]:
    """The packages in force, verified, one after the other. Raises Refused for one that is not to be run."""
    door = _Door(chosen)
    fallen: list[Fallen] = []
    yield from door.packages([_Standing(slot) for slot in chosen.slots], _Picked([], []), fallen)
    for one in fallen:
        raise Refused(one.code, one.detail)


def read(folder: Path, held: Held, check: Callable[[str, int, int | None], Target]) -> tuple[Package, Target]:
    """One package: hashed, looked up in the signed list, and opened from the bytes that were hashed.

    Raises:
        Refused: it is not there, not what was signed, or no package.
    """
    raw = _bytes(package_path(folder, held.sha256), held)
    try:
        target = check(held.sha256, held.length, held.as_of)
        package = open_package(raw)
    except Untrusted as error:
        raise Refused(f"trust.{error.code}", error.detail) from error
    except Misuse as error:
        raise Refused(error.code, error.text.en) from error
    # The path says who may sign it: a package of one area must not come under the name of another.
    if (package.manifest.path, package.kind) != (target.path, target.kind) or held.name != package.name:
        raise Refused("content.mislabelled", "it is not what the signed list calls it")
    return package, target


def _bytes(path: Path, held: Held) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(min(held.length, LARGEST) + 1)
    except OSError as error:
        raise Refused("content.missing", type(error).__name__) from error
    if len(raw) != held.length:
        raise Refused("trust.length")
    if hashlib.sha256(raw).hexdigest() != held.sha256:
        raise Refused("trust.hash")
    return raw


@dataclass(slots=True)
class _Standing:
    """A slot while it is being filled."""

    slot: Slot

    @property
    def left(self) -> Held | None:
        return self.slot.active or self.slot.previous

    def fall(self) -> None:
        active = self.slot.active
        self.slot = replace(self.slot, active=None, previous=None if active is None else self.slot.previous)


@dataclass(frozen=True, slots=True)
class _Picked:
    running: list[Running]
    seen: list[str]


class _Door:
    """Reads the packages of one choice."""

    def __init__(self, chosen: Chosen) -> None:
        self._folder = chosen.folder
        self._trust = None if chosen.folder is None else trust_of(chosen.folder)

    def packages(self, slots: Sequence[_Standing], picked: _Picked, fallen: list[Fallen]) -> Iterator[Package]:
        """Of the slots, each fallen as far as it must, then of the factory what has no slot that is filled."""
        for standing in slots:
            while (held := standing.left) is not None:
                try:
                    package = self._read(held)
                except Refused as refused:
                    fallen.append(Fallen(held.name, held.sha256, refused.code, refused.detail))
                    standing.fall()
                    continue
                picked.running.append(_running(package, "group"))
                picked.seen.append(package.name)
                yield package
                break
        for package in factory_packages():
            if package.name not in picked.seen:
                picked.running.append(_running(package, "factory"))
                yield package

    def trials(self, trial: list[Held], fallen: list[Fallen]) -> list[Package]:
        """What judges beside; what does not pass is dropped from ``trial``."""
        found = []
        for held in tuple(trial):
            try:
                found.append(self._read(held))
            except Refused as refused:
                fallen.append(Fallen(held.name, held.sha256, refused.code, refused.detail))
                trial.remove(held)
        return found

    def _read(self, held: Held) -> Package:
        if self._folder is None or self._trust is None:
            raise Refused("content.missing", "no folder")
        return read(self._folder, held, self._trust.check)[0]


def factory_packages() -> Iterator[Package]:
    """What ships, each checked against the list that was signed when the program was made.

    Raises:
        Bug: the installation is damaged.
    """
    try:
        check = factory_list()
        for package in factory.packages():
            check(package.sha256, package.length)
            yield package
    except Untrusted as error:
        raise _damaged(f"trust.{error.code}") from error
    except (OSError, Misuse) as error:
        raise _damaged(getattr(error, "code", type(error).__name__)) from error


def _give_way(slots: Sequence[_Standing], trial: list[Held]) -> Held | None:
    """Take the newest release out: of those on trial, then of the slots."""
    if trial:
        return trial.pop()
    filled = [standing for standing in slots if standing.left is not None]
    if not filled:
        return None
    newest = max(filled, key=lambda one: (not one.slot.proven, one.left.as_of or 0 if one.left else 0))
    left = newest.left
    newest.fall()
    return left


def _running(package: Package, origin: Origin) -> Running:
    return Running(package.name, package.version, package.sha256, package.kind, origin)


def _damaged(code: str) -> Bug:
    return Bug(
        "content.factory",
        Bilingual(
            f"随程序安装的内容已损坏（{code}）", f"The content that ships with the program is damaged ({code})"
        ),
        Bilingual("重新安装 qcbox", "Install qcbox again"),
    )


def learn_names(chosen: Chosen, account: Account) -> None:
    """The names of facts that the group's networks add enter the catalogue of this process: pages and reports
    need them. One that is spoilt since the workers read it is passed over: it falls at the next look."""
    if chosen.folder is None:
        return
    own = {one.sha256 for one in account.running if one.origin == "group" and one.kind == "bundle"}
    trust = trust_of(chosen.folder)
    for slot in chosen.slots:
        for held in (slot.active, slot.previous):
            if held is not None and held.sha256 in own:
                with suppress(Refused):
                    learn([read_bundle(read(chosen.folder, held, trust.check)[0])])
