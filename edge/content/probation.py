"""Whether a release in probation does harm. Pure: numbers in, an opinion out."""

from __future__ import annotations

from dataclasses import dataclass

from edge.content.settings import ContentSettings
from edge.store.content_watch import Numbers

CRASHES_WITHIN_MS = 10 * 60 * 1000
BOOTS = 2
"""Unclean ends of the agent that a release in probation may have a part in: the second one is the last."""
_FEW = 5
"""Alerts, or alerts expected, under which three times more or fewer is chance."""
_SLOWER = 3
"""Times slower than before: a box that always was slow is not the release's doing."""


@dataclass(frozen=True, slots=True)
class Harm:
    """Why it is taken back."""

    code: str
    detail: str


def harm(now: Numbers, before: Numbers, crashes: int, boots: int, settings: ContentSettings) -> Harm | None:
    """What speaks against a release; None: nothing.

    Args:
        now: of the images since it judges.
        before: of the week before.
        crashes: in the last ten minutes, of images that the content before could judge.
        boots: unclean ends of the agent since it judges.
        settings: the limits.
    """
    if crashes >= settings.crashes:
        return Harm("probation.crashes", f"{crashes} in 10 min")
    if boots >= BOOTS:
        return Harm("probation.boots", f"{boots} unclean starts")
    if now.images < settings.least_images:
        return None
    return _errors(now, before, settings) or _slow(now, before, settings) or _alerts(now, before, settings)


def _errors(now: Numbers, before: Numbers, settings: ContentSettings) -> Harm | None:
    rate, usual = now.errors / now.images, _share(before.errors, before)
    if rate > max(settings.error_rate, 2 * usual):
        return Harm("probation.errors", f"{rate:.1%} of {now.images} images, {usual:.1%} before")
    return None


def _slow(now: Numbers, before: Numbers, settings: ContentSettings) -> Harm | None:
    limit = max(1000 * settings.latency_s, _SLOWER * before.p95_ms)
    if now.p95_ms > limit:
        return Harm("probation.slow", f"{now.p95_ms:.0f} ms, {before.p95_ms:.0f} ms before")
    return None


def _alerts(now: Numbers, before: Numbers, settings: ContentSettings) -> Harm | None:
    if before.images < settings.least_images:
        return None
    expected = _share(before.alerts, before) * now.images
    more = now.alerts > settings.alert_factor * expected and now.alerts >= _FEW
    fewer = now.alerts * settings.alert_factor < expected and expected >= _FEW
    if more or fewer:
        said = f"{now.alerts} of {now.images} images, {before.alerts} of {before.images} before"
        return Harm("probation.alerts", said)
    return None


def _share(count: int, of: Numbers) -> float:
    return count / of.images if of.images else 0.0
