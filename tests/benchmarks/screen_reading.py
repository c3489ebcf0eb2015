"""``python -m tests.benchmarks.screen_reading``: how well consoles are taught and read; exit 1 under a bar.

Each console is taught from two exams: the fields are proposed, an engineer names their kinds, confirms the texts
of both and draws the few boxes that were not proposed. Then both exams are read clean and as the worst capture
brings them (720p scaling, MJPEG q70). Bars (issue 5): exact >= 99 / 97 %, accepted >= 98 / 93 %, none of it wrong.

``--folder`` takes other consoles of the same form: ``console/*.{png,json}`` and ``console_other_patient/``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from capture.screen.format import learn, value
from capture.screen.frame import Picture
from capture.screen.labels import FREEZE
from capture.screen.ocr.choice import make
from capture.screen.ocr.engine import Bgr, Engines
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.propose import Proposal, propose
from capture.screen.reader import Reader
from capture.screen.reading import FieldReading
from capture.screen.template import Box, FieldKind, ScreenField
from capture.screen.tokens import plain

SHARED = Path(__file__).parents[2].parent / "shared/data/screens"
QUALITIES = ("clean", "worst")
BARS = {"clean": (99.0, 98.0), "worst": (97.0, 93.0)}
_NUMBERS_WITH_WORDS = ("age", "iclear")


@dataclass
class Count:
    """What was read of one kind of field at one quality."""

    fields: int = 0
    exact: int = 0
    accepted: int = 0
    wrong: int = 0

    def add(self, exact: bool, accepted: bool) -> None:
        self.fields += 1
        self.exact += exact
        self.accepted += accepted
        self.wrong += accepted and not exact


@dataclass
class Outcome:
    """Of all consoles."""

    counts: dict[str, dict[str, Count]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Count)))
    changing: int = 0
    proposed: int = 0
    extra: int = 0
    image: list[float] = field(default_factory=list)
    anchors: list[int] = field(default_factory=list)
    cpu_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def total(self, quality: str) -> Count:
        every = self.counts[quality].values()
        return Count(*(sum(getattr(one, name) for one in every) for name in Count.__annotations__))


def worst(bgr: Bgr) -> Bgr:
    """1080p by way of 720p and MJPEG q70 4:2:0: a poor splitter and dongle (design capture-ocr.md, 3)."""
    small = cv2.resize(bgr, None, fx=2 / 3, fy=2 / 3, interpolation=cv2.INTER_AREA)
    back = cv2.resize(small, (bgr.shape[1], bgr.shape[0]), interpolation=cv2.INTER_LINEAR)
    how = [cv2.IMWRITE_JPEG_QUALITY, 70, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", back, how)[1], cv2.IMREAD_COLOR), np.uint8)


def measure(folder: Path, names: Sequence[str] = ()) -> Outcome:
    """Teach and read the consoles of ``folder``: all, or those named."""
    engines = make(ReadingSettings())
    outcome = Outcome()
    for path in sorted((folder / "console").glob("*.json")):
        if not names or path.stem in names:
            _console([path, folder / "console_other_patient" / path.name], engines, outcome)
    return outcome


def _console(paths: Sequence[Path], engines: Engines, outcome: Outcome) -> None:
    truths = [json.loads(path.read_text("utf-8")) for path in paths]
    screens = [np.asarray(cv2.imread(str(path.with_suffix(".png"))), np.uint8) for path in paths]
    started = time.process_time()
    proposal = propose(Picture(screens[0], 0.0), Picture(screens[1], 0.0), engines)
    outcome.cpu_s["propose"].append(time.process_time() - started)
    fields = _taught(truths, proposal, outcome)
    outcome.image.append(_iou(proposal.image, truths[0]["image_roi"]))
    outcome.anchors.append(len(proposal.anchors))
    reader = Reader(engines)
    for quality in QUALITIES:
        for truth, screen in zip(truths, screens, strict=True):
            shown = worst(screen) if quality == "worst" else screen
            started = time.process_time()
            readings = reader.read(list(fields.values()), [Picture(shown, 0.0)])
            outcome.cpu_s["read"].append(time.process_time() - started)
            for name, taught, reading in zip(fields, fields.values(), readings.fields, strict=True):
                said = _said(truth, name)
                if said is not None:
                    outcome.counts[quality][taught.kind].add(_exact(taught, reading, said), _accepted(reading))


def _taught(truths: Sequence[Any], proposal: Proposal, outcome: Outcome) -> dict[str, ScreenField]:
    """The fields as the engineer leaves them, by their names in the ground truth."""
    fields: dict[str, ScreenField] = {}
    used: set[int] = set()
    for name in dict.fromkeys(one["name"] for truth in truths for one in truth["fields"]):
        texts = [said for truth in truths if (said := _said(truth, name)) is not None]
        found = next((k for k, one in enumerate(proposal.fields) if _holds(one.box, truths, name)), None)
        changes = len({plain(text) for text in texts}) > 1
        outcome.changing += changes
        outcome.proposed += changes and found is not None
        used |= set() if found is None else {found}
        kind = _kind(truths, name)
        fields[name] = ScreenField(
            keyword=f"f{len(fields)}",
            box=_drawn(truths, name) if found is None else proposal.fields[found].box,
            kind=kind,
            format=learn(texts, kind),
        )
    outcome.extra += len(proposal.fields) - len(used)
    return fields


def _fields(truths: Sequence[Any], name: str) -> Iterator[Any]:
    return (one for truth in truths for one in truth["fields"] if one["name"] == name)


def _said(truth: Any, name: str) -> str | None:
    return next((str(one["text"]) for one in _fields([truth], name)), None)


def _holds(box: Box, truths: Sequence[Any], name: str) -> bool:
    """The box has the texts of both exams in it, their ink at least."""
    for one in _fields(truths, name):
        x, y, w, h = one["box"]
        wide = box.x - 3 <= x and x + w <= box.x + box.w + 3
        if not wide or box.y > y + 0.3 * h or box.y + box.h < y + 0.7 * h:
            return False
    return True


def _drawn(truths: Sequence[Any], name: str) -> Box:
    """The widget around the text in both exams."""
    cells = [one["cell"] for one in _fields(truths, name)]
    x, y = (max(int(min(cell[k] for cell in cells)), 0) for k in (0, 1))
    right, bottom = (int(max(cell[k] + cell[k + 2] for cell in cells)) for k in (0, 1))
    return Box(x=x, y=y, w=right - x, h=bottom - y)


def _kind(truths: Sequence[Any], name: str) -> FieldKind:
    truth = next(_fields(truths, name))
    kinds: dict[str, FieldKind] = {"num": "number", "id": "id", "date": "date", "time": "time", "enum": "choice"}
    if truth["type"] in kinds:
        return kinds[truth["type"]]
    if name in _NUMBERS_WITH_WORDS:
        return "number"
    return "name" if "name" in name else "choice" if truth["text"] in FREEZE else "text"


def _exact(taught: ScreenField, reading: FieldReading, said: str) -> bool:
    """Spaces and full or half width apart (design capture-ocr.md, 3)."""
    return plain(reading.text) == plain(value(taught, said) or said)


def _accepted(reading: FieldReading) -> bool:
    return reading.state == "accepted"


def _iou(box: Box, truth: Sequence[float]) -> float:
    x, y, w, h = truth
    wide = min(box.x + box.w, x + w) - max(box.x, x)
    high = min(box.y + box.h, y + h) - max(box.y, y)
    both = max(wide, 0) * max(high, 0)
    return both / (box.w * box.h + w * h - both)


def _table(outcome: Outcome) -> str:
    rows = ["quality  kind     fields  exact %  accepted %  wrong"]
    for quality in QUALITIES:
        kinds = {**outcome.counts[quality], "all": outcome.total(quality)}
        rows += [
            f"{quality:8} {kind:8} {one.fields:6} {100 * one.exact / one.fields:8.2f} "
            f"{100 * one.accepted / one.fields:11.2f} {one.wrong:6}"
            for kind, one in kinds.items()
        ]
    rows.append(
        f"changing texts proposed {outcome.proposed} of {outcome.changing}, further proposals {outcome.extra}; "
        f"anchors at least {min(outcome.anchors)}; image box IoU median {np.median(outcome.image):.2f}, "
        f"least {min(outcome.image):.2f}"
    )
    rows += [f"CPU s of one {what}: median {np.median(took):.2f}" for what, took in outcome.cpu_s.items()]
    return "\n".join(rows)


def missed(outcome: Outcome) -> list[str]:
    """The bars that are not met."""
    lacking = []
    for quality, (exact, accepted) in BARS.items():
        total = outcome.total(quality)
        if 100 * total.exact < exact * total.fields:
            lacking.append(f"{quality}: exact")
        if 100 * total.accepted < accepted * total.fields:
            lacking.append(f"{quality}: accepted")
        if total.wrong:
            lacking.append(f"{quality}: {total.wrong} wrong among the accepted")
    return lacking


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=SHARED)
    parser.add_argument("--console", action="append", default=[], help="only this one; may be given again")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    outcome = measure(given.folder, given.console)
    sys.stdout.write(_table(outcome) + "\n")
    lacking = missed(outcome)
    sys.stdout.write("".join(f"MISSED {one}\n" for one in lacking))
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
