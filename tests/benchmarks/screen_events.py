"""``python -m tests.benchmarks.screen_events``: streams with random timing, and what the detector made of them."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import cv2
import numpy as np

from capture.screen.events import Detector, Event
from capture.screen.ocr import choice
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.reader import Reader
from capture.screen.view import View, Witnesses
from tests.screen_scenes import SCENES
from tests.screen_streams import LATE_S, Stream
from tests.screens import Capture


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one stream. ``late``: seconds after each picture came to rest; ``ms``: CPU of
    a frame that differs from the one before."""

    right: bool
    found: tuple[str, ...]
    expected: tuple[str, ...]
    late: tuple[float, ...]
    ms: float


def watch(stream: Stream, capture: Capture, reader: Reader, **changes: object) -> Outcome:
    """Feed the detector as the loop does, with the real reader as the witness."""
    template = stream.console.template(**changes)
    detector, witnesses = Detector(template), Witnesses(template, reader)
    events: list[Event] = []
    frames, looked = list(stream.frames(capture)), 0
    view: View | None = None
    began = time.thread_time()
    for at, frame in frames:
        if frame is None:
            events += detector.lost(at)
            continue
        if view is None or frame.data is not view.frame.data:  # the stream encodes equal pictures once: so do we
            view, looked = View(frame, template, witnesses), looked + 1
        events += detector.feed(view.quarter, at, view)
    spent = time.thread_time() - began
    found = tuple(event.kind for event in events)
    expected = tuple(kind for kind, _ in stream.expected)
    late = tuple(event.time - rest for event, (_, rest) in zip(events, stream.expected, strict=False))
    return Outcome(found == expected, found, expected, late, 1000 * spent / looked)


def main() -> None:
    """Print a line for each stream and the bar."""
    given = argparse.ArgumentParser()
    given.add_argument("--seeds", type=int, default=3)
    given.add_argument("--captures", default="q95,q70")
    given.add_argument("--only", default="")
    given.add_argument("--blind", action="store_true", help="without a second witness")
    asked = given.parse_args()
    cv2.setNumThreads(1)
    reader = Reader(choice.make(ReadingSettings()))
    right = total = 0
    latest: list[float] = []
    blind: dict[str, object] = {"witnesses": (), "frozen_text": ""} if asked.blind else {}
    for scene in SCENES:
        if asked.only and asked.only not in scene.__name__:
            continue
        for seed in range(asked.seeds):
            for capture in asked.captures.split(","):
                outcome = watch(scene(np.random.default_rng(seed)), capture, reader, **blind)
                right, total = right + outcome.right, total + 1
                latest += outcome.late if outcome.right else ()
                said = "right" if outcome.right else f"WRONG {outcome.found} expected {outcome.expected}"
                worst = max(outcome.late, default=0.0)
                print(
                    f"{scene.__name__:22} {seed} {capture:6} {worst:5.2f} s {outcome.ms:5.1f} ms  {said}",
                    flush=True,
                )
    print(f"{right} of {total} right; latest {max(latest, default=0):.2f} s (bar {LATE_S})")


if __name__ == "__main__":
    main()
