"""What a person should know of this box's certificate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.wire.enrolment import Grant
from edge.check import Check
from edge.clock import now_ms
from edge.enrol.folder import Folder
from edge.enrol.names import CURRENT

if TYPE_CHECKING:
    from edge.settings import Settings

_DAY_MS = 86_400_000
_LIFE, _SPREAD, _LATE = 2 / 3, 0.05, 0.75
"""When to renew, as a part of the certificate's life; by how much of it boxes begin apart from each other; and
when a person should look: three weeks before the end of 90 days."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """With the certificate, before or after its end. Judging goes on without one; results wait."""

    text: Bilingual
    hint: Bilingual
    over: bool
    """The broker takes it no more, or it cannot be read."""


def trouble(enrolment: Path, now: int) -> Trouble | None:
    """What pages warn of. ``enrolment``: the box's folder of that name; ``now``: UTC milliseconds. None: all is
    well, or no centre has given it anything."""
    try:
        papers = Folder(enrolment).papers(CURRENT)
    except Misuse as error:
        return Trouble(error.text, error.hint, over=True)
    if papers is None or not late(papers.grant, now):
        return None
    grant, days = papers.grant, days_left(papers.grant, now)
    if now >= grant.not_after:
        text = Bilingual("本盒的证书已过期", "The certificate of this box has run out")
        return Trouble(text, _hint(grant, now), over=True)
    text = Bilingual(f"本盒的证书未续期，还剩 {days} 天", f"Certificate of this box not renewed: {days} days left")
    return Trouble(text, _hint(grant, now), over=False)


def certificate(settings: Settings) -> Iterator[Check]:
    """Whether the centre's papers of this box are good, and nothing in the configuration stands over them; for the
    doctor."""
    try:
        papers = Folder(settings.enrolment_path).papers(CURRENT)
    except Misuse as error:
        yield Check("certificate", "failed", error.text, error.hint)
        return
    if papers is None:
        yield Check("certificate", "ok", Bilingual("未在中心注册", "Not enrolled at a centre"))
        return
    grant, now = papers.grant, now_ms()
    days = days_left(grant, now)
    text = Bilingual(
        f"盒子 {grant.box} 的证书还有 {days} 天", f"The certificate of {grant.box} has {days} days left"
    )
    if late(grant, now):
        yield Check("certificate", "failed" if now >= grant.not_after else "warning", text, _hint(grant, now))
    else:
        yield Check("certificate", "ok", text)
    for name, hint in overruled(settings, grant):
        yield Check(
            "enrolment", "warning", Bilingual(f"{name} 与注册不一致", f"{name} differs from the enrolment"), hint
        )


def overruled(settings: Settings, grant: Grant) -> list[tuple[str, Bilingual]]:
    """Settings of the file, the secrets or the environment that keep the box from what the centre gave it."""
    return list(_overruled(settings, grant))


def _overruled(settings: Settings, grant: Grant) -> Iterator[tuple[str, Bilingual]]:
    link, papers = settings.link, settings.enrolment_path / "current"
    wrong = {
        "box": settings.box != grant.box,
        "link.enabled": not link.enabled,
        "link.host": (link.host, link.port) != (grant.broker_host, grant.broker_port),
        "link.cert_file": link.cert_file is None or link.cert_file.parent != papers,
    }
    for name in (name for name, differs in wrong.items() if differs):
        yield (
            name,
            Bilingual(
                f"配置文件中的 {name} 覆盖了中心给出的值；如非有意，请删除该行",
                f"{name} in the configuration stands over what the centre gave; remove it unless you mean it",
            ),
        )


def _hint(grant: Grant, now: int) -> Bilingual:
    """What to do about a late renewal."""
    if now >= grant.not_after:
        return Bilingual(
            f"30 天内能访问 {grant.enrolment} 即自动续期；否则请中心发新令牌，运行 qcbox enrol",
            f"For 30 days it renews by itself if {grant.enrolment} answers; else: a new token and qcbox enrol",
        )
    return Bilingual(
        f"早该续期；检查到 {grant.enrolment} 或消息服务的网络；过期后消息服务不再接受",
        f"Its renewal is late; look at the way to {grant.enrolment} or the broker (it takes no expired one)",
    )


def due(grant: Grant) -> int:
    """When to renew, in UTC milliseconds: the same after every restart, another for every certificate."""
    chance = int.from_bytes(hashlib.sha256(grant.certificate.encode()).digest()[:4]) / 2**32
    return round(grant.not_before + (grant.not_after - grant.not_before) * (_LIFE - _SPREAD * chance))


def late(grant: Grant, now: int) -> bool:
    """Whether it should have been renewed long ago."""
    return now >= grant.not_before + (grant.not_after - grant.not_before) * _LATE


def days_left(grant: Grant, now: int) -> int:
    """Whole days until the certificate's end; below zero once it is over. ``now``: UTC milliseconds."""
    return (grant.not_after - now) // _DAY_MS
