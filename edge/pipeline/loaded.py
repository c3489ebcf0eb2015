"""What a worker judges with: loaded at its start, and changed between two cases."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, Pixels, Technique
from cloud_sync.kit.confined import confine, die_with
from edge.content.chosen import Chosen
from edge.pipeline import set_job
from models.circumstances import Circumstances

if TYPE_CHECKING:
    from edge.content.loading import Account, Loaded
    from models.bundles.bundle import Bundle
    from models.judge import Content

_SHELVED = 2
"""Contents that a worker keeps: what judges, and what an image falls to if that costs a worker its life."""


@dataclass(slots=True)
class Due:
    """What a worker that starts now has to load; it travels with each start."""

    chosen: Chosen


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A worker's answer when it is told of other content."""

    worker: int
    account: Account | None
    """None: it cannot, new workers must."""


def content_of(chosen: Chosen) -> Content:
    """What judges by this choice; loaded now, if this process has not got it."""
    return _loaded(chosen).content


def _loaded(chosen: Chosen) -> Loaded:
    return _shelve(chosen, _load(chosen))


@cache
def _shelf() -> dict[Chosen, Loaded]:
    """What this process has loaded, the latest last."""
    return {}


def _shelve(chosen: Chosen, loaded: Loaded) -> Loaded:
    shelf = _shelf()
    shelf.pop(chosen, None)
    shelf[chosen] = loaded
    while len(shelf) > _SHELVED:
        del shelf[next(iter(shelf))]
    return loaded


def _load(chosen: Chosen) -> Loaded:
    from edge.content.loading import load

    latest = _latest()
    return _shelf().get(chosen) or load(chosen, None if latest is None else latest.content)


def _latest() -> Loaded | None:
    return next(reversed(_shelf().values()), None)


def start(agent: int, memory_mb: int, crew: Due) -> None:
    """In each new worker: die with the agent, one thread, loaded content, then the memory limit."""
    die_with(agent)  # a killed agent leaves no worker behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ends at once, also where a library hangs. Python runs pebble's own handler only between two instructions;
    # pebble waits three seconds for that, and no other worker gets or answers anything meanwhile.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    import cv2

    cv2.setNumThreads(1)
    # A worker that ended here would be started again and again; the first job meets the same error and reports it.
    with suppress(Exception):
        warm_up(crew.chosen)
    give_back()
    confine(memory_mb)


def give_back() -> None:
    """Freed memory goes back to the system; glibc keeps for itself what lies below something that is still in use:
    100 MB after a CT series (measured)."""
    ctypes.CDLL(None).malloc_trim(0)


def warm_up(chosen: Chosen) -> Account:
    """Verify and load content, and judge a picture of nothing, so that the first image does not wait for it."""
    import numpy as np

    from capture.dicom.pixels import preview
    from models.judge import judge

    grey = np.zeros((256, 256), np.float32)
    pixels = Pixels(grey, None, None, (0.0, 4095.0), (0.1, 0.1), "ImagerPixelSpacing", False, None, 0, 1)
    blank = Acquisition("", Identity(), Exam(Modality="DX"), Technique(), Device(), Display(256, 256), pixels)
    content = content_of(chosen)
    for one in (content, content.trial):
        if one is not None:
            one.bundles.warm_up()
    judge(blank, content, Circumstances(received_at=0))
    preview(blank)
    set_job.warm_up(content)
    return _loaded(chosen).account


def take_up(chosen: Chosen) -> TakenUp:
    """Verify and load other rules in a worker that goes on judging.

    Other networks are for new workers, whose limit of memory counts from what they have loaded.
    """
    latest, found = _latest(), _load(chosen)
    if latest is None or not _networks(found) <= _networks(latest):
        return TakenUp(os.getpid(), None)
    return TakenUp(os.getpid(), _shelve(chosen, found).account)


def _networks(loaded: Loaded) -> set[Bundle]:
    of = loaded.content
    return {*of.bundles, *(() if of.trial is None else of.trial.bundles)}
