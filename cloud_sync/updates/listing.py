"""A release as a line of signed metadata: what is written there, and what is read from there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from cloud_sync.updates.terms import Area, Audience, Kind, Target

ISSUED = "issued"
"""Field of ``timestamp.json``, inside what is signed: UTC milliseconds of its signing. TUF itself only says when
metadata ends; a clock that was set back is noticed by when it began."""

OWNER = "x-qcbox-owner"
"""Field of a key in the signed metadata: the account of the one person whose key it is."""

_PATH = re.compile(r"kb/([a-z]+)/([a-z0-9]+(?:-[a-z0-9]+)*)/([1-9][0-9]{0,8})\.zip")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def target_path(area: Area, name: str, version: int) -> str:
    """Where a release is in the repository."""
    return f"kb/{area}/{name}/{version}.zip"


def stored_path(target: Target) -> str:
    """The file of a release, relative to ``targets/``: TUF's clients ask for it by its hash."""
    folder, _, file = target.path.rpartition("/")
    return f"{folder}/{target.sha256}.{file}"


def area_of(path: str) -> Area | None:
    """Who answers for a target path; None for a path that is none of ours."""
    match = _PATH.fullmatch(path)
    return next((area for area in get_args(Area) if match and area == match[1]), None)


def custom_of(target: Target) -> dict[str, object]:
    """What the signed metadata says of a release beside its length and hash: TUF's ``custom``."""
    return {
        "name": target.name,
        "kind": target.kind,
        "version": target.version,
        "release": target.release,
        "audience": {"groups": list(target.audience.groups), "modalities": list(target.audience.modalities)},
        "min_agent": target.min_agent,
    }


def target_of(path: str, length: int, hashes: Mapping[str, str], custom: object) -> Target | None:
    """The release that a line of signed metadata names. None when it is not one that this version understands:
    an older box must not stumble over a newer kind of content, it leaves it alone.
    """
    match, sha256 = _PATH.fullmatch(path), hashes.get("sha256", "")
    if match is None or area_of(path) is None or not isinstance(custom, dict) or not _SHA256.fullmatch(sha256):
        return None
    kind, release, audience = (custom.get(key) for key in ("kind", "release", "audience"))
    known_kind = next((one for one in get_args(Kind) if one == kind), None)
    min_agent = custom.get("min_agent", "")
    if (custom.get("name"), custom.get("version")) != (match[2], int(match[3])) or known_kind is None:
        return None
    meant_for = _audience(audience)
    if not isinstance(release, int) or release < 1 or not isinstance(min_agent, str) or meant_for is None:
        return None
    return Target(path, sha256, length, match[2], known_kind, int(match[3]), release, meant_for, min_agent)


def _audience(value: object) -> Audience | None:
    """An audience with a field that is not known is for somebody that this version cannot tell: nobody."""
    if not isinstance(value, dict) or not value.keys() <= {"groups", "modalities"}:
        return None
    lists = [value.get("groups", []), value.get("modalities", [])]
    if not all(isinstance(one, list) and all(isinstance(word, str) for word in one) for one in lists):
        return None
    return Audience(tuple(lists[0]), tuple(lists[1]))
