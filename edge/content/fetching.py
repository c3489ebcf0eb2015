"""How releases come to this box: the ways that are set up, one after the other, and what their failures mean."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.updates.from_folder import FromFolder
from cloud_sync.updates.over_https import OverHttps
from cloud_sync.updates.terms import Target, Untrusted
from cloud_sync.updates.trust import Trust
from edge.content.chosen import Held, package_path
from edge.content.loading import Refused, read
from edge.settings import Settings
from edge.store.content import Release
from models.content.package import Package

T = TypeVar("T")
Fate = Literal["later", "again", "rejected", "failed"]
"""``later``: nothing is wrong with it, only it cannot be had now. ``again``: it is not as signed, which may be the
way's doing: a few tries. ``rejected``: not for this box. ``failed``: never."""

_FATES: dict[str, Fate] = {
    "download": "later", "slow": "later", "expired": "later", "clock": "later", "no_root": "later",
    "audience": "rejected", "min_agent": "rejected", "release": "rejected",
}  # fmt: skip
_ROOM = 2
"""Times its length must be free: it is written once and kept."""


class Unfetched(Exception):
    """A release that is not here. ``code`` is stable, ``fate`` what is to be done with it."""

    def __init__(self, code: str, detail: str, fate: Fate) -> None:
        super().__init__(code)
        self.code, self.detail, self.fate = code, detail, fate


class Until(Fetcher):
    """A fetcher that gives up between two pieces, when the agent ends."""

    def __init__(self, fetcher: Fetcher, ended: Callable[[], bool]) -> None:
        super().__init__()
        self._fetcher, self._ended = fetcher, ended

    def pieces(self, path: str, offset: int) -> Iterator[bytes]:
        """See Fetcher."""
        for piece in self._fetcher.pieces(path, offset):
            if self._ended():
                raise Untrusted("download", "the agent ends")
            yield piece


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom this box takes content for."""

    groups: tuple[str, ...]
    modalities: tuple[str, ...]
    """None: all."""
    agent: str

    def check(self, target: Target, highest: int) -> None:
        """Raises Untrusted for what is not for this box now."""
        Trust.fits(target, self.groups, self.modalities or target.audience.modalities, self.agent, highest)


def ways(settings: Settings, mqtt: Fetcher | None) -> tuple[Fetcher, ...]:
    """The fetchers that are set up, in the order of the settings."""
    content, link = settings.content, settings.link
    made: dict[str, Callable[[], Fetcher | None]] = {
        "https": lambda: _https(settings),
        "mqtt": lambda: mqtt if link.enabled else None,
        "folder": lambda: None if content.folder is None else FromFolder(content.folder),
    }
    found = (made[way]() for way in content.ways)
    return tuple(one for one in found if one is not None)


def refresh(trust: Trust, fetchers: Sequence[Fetcher]) -> None:
    """Bring what is signed up to date by the first way that can. Raises Unfetched: none can."""
    _by(fetchers, trust.refresh)


def stage(
    trust: Trust, fetchers: Sequence[Fetcher], folder: Path, release: Release, meant: Meant, highest: int,
    least_free: int = 0,
) -> None:  # fmt: skip
    """Have a release's file in ``folder``, whole and as signed. Goes on where it was broken off.

    Args:
        trust: what is believed.
        fetchers: the ways, first first.
        folder: where packages are.
        release: what is wanted.
        meant: whom this box takes content for.
        highest: the highest release counter that was active here under its name.
        least_free: bytes that must stay free on the disk.

    Raises:
        Unfetched: it is not here.
    """
    refresh(trust, fetchers)
    try:
        target = find(trust, release)
        meant.check(target, highest)
    except Untrusted as error:
        raise unfetched(error) from error
    out = package_path(folder, target.sha256)
    if not _is(out, target.sha256):
        out.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(out.parent).free < _ROOM * target.length + least_free:
            raise Unfetched("content.room", "", "rejected")
        try:
            _by(fetchers, lambda fetcher: trust.fetch(target, fetcher, out))
        except OSError as error:
            _tidy(out)
            raise disk_trouble(error) from error


def sweep(folder: Path, keep: Collection[str]) -> None:
    """Remove packages that nothing can fall back to any more. ``keep``: hashes."""
    for path in (folder / "kb").glob("*.zip*"):
        if path.name.partition(".")[0] not in keep:
            path.unlink(missing_ok=True)


def verify(trust: Trust, folder: Path, release: Release, meant: Meant, highest: int) -> tuple[Package, Target]:
    """A staged release against the signed list of now, its bytes and its form. Raises Unfetched."""
    held = Held(release.name, release.version, release.sha256, release.length)
    try:
        package, target = read(folder, held, trust.check)
        meant.check(target, highest)
    except Refused as error:
        fate = fate_of(error.code)
        if error.code in ("trust.hash", "trust.length"):
            package_path(folder, release.sha256).unlink(missing_ok=True)
        raise Unfetched(error.code, error.detail, fate) from error
    except Untrusted as error:
        raise unfetched(error) from error
    return package, target


def disk_trouble(error: OSError) -> Unfetched:
    """A full disk gives the release up, for the sake of the images; another fault of it may pass."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = "content.room" if full else "content.disk"
    return Unfetched(code, os.strerror(error.errno or 0), "rejected" if full else "later")


def fate_of(code: str) -> Fate:
    """What a refusal of staged bytes means."""
    return _FATES.get(code.removeprefix("trust."), "failed")


def find(trust: Trust, release: Release) -> Target:
    """The signed target that a release names. Raises Untrusted."""
    wanted = release.name, release.version, release.sha256, release.length
    for target in trust.listed():
        if (target.name, target.version, target.sha256, target.length) == wanted:
            return target
    raise Untrusted("not_listed")


def unfetched(error: Untrusted) -> Unfetched:
    """What a refusal means for a release on its way."""
    return Unfetched(f"trust.{error.code}", error.detail, _FATES.get(error.code, "again"))


def _by(fetchers: Sequence[Fetcher], step: Callable[[Fetcher], T]) -> T:
    """By the first way that can; what the worst of the others says, if none can."""
    said: list[Untrusted] = []
    for fetcher in fetchers:
        try:
            return step(fetcher)
        except Untrusted as error:
            said.append(error)
    if not said:
        raise Unfetched("content.no_way", "", "later")
    raise unfetched(next((one for one in said if _FATES.get(one.code) != "later"), said[0])) from said[0]


def _https(settings: Settings) -> Fetcher | None:
    content, link = settings.content, settings.link
    ca = content.ca_file or link.ca_file
    if not content.repository or ca is None:
        return None
    proxy = content.proxy.get_secret_value() if content.proxy else ""
    return OverHttps(content.repository, ca, link.cert_file, link.key_file, proxy)


def _is(path: Path, sha256: str) -> bool:
    """Whether a file is there and what its name says."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _tidy(out: Path) -> None:
    """Half a file must not keep the room that is lacking."""
    out.with_name(out.name + ".part").unlink(missing_ok=True)
