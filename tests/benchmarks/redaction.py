"""``python -m tests.benchmarks.redaction``: what is left to be seen of patients on the shared consoles.

Needs ``../shared/data/screens``. Each console's template has the boxes of its truth; each picture of it, of this
patient and of another, clean and as the worst capture, is redacted three ways: as taught; with no field taught
(the net alone); and with every other console's template. Prints JSON.
"""

from __future__ import annotations

import base64
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from capture.redaction.answer import Bgr, Net, Redacted
from capture.redaction.net import net_of
from capture.screen.ocr.choice import make
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.pixels import picture
from capture.screen.redact import redact
from capture.screen.template import Anchor, Box, ScreenField, Template
from tests.peers import ROOT
from tests.screens import Capture, captured

SCREENS = ROOT.parent / "shared" / "data" / "screens"
_SETS = ("console", "console_other_patient")
_CAPTURES: tuple[Capture, ...] = ("bgr24", "worst")
_ANCHORS = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with its truth."""

    bgr: Bgr
    truth: dict[str, Any]


def stems() -> list[str]:
    """The consoles of which a template can be made."""
    return sorted(path.stem for path in (SCREENS / "console").glob("*.json"))


def shown(folder: str, stem: str, capture: Capture = "bgr24") -> Shown:
    """One picture as a card captures it."""
    bgr = cv2.imread(str(SCREENS / folder / f"{stem}.png"))
    assert bgr is not None
    truth = json.loads((SCREENS / folder / f"{stem}.json").read_text("utf-8"))
    return Shown(picture(captured(np.asarray(bgr, np.uint8), capture)).bgr, truth)


def template(stem: str, *, fields: bool = True) -> Template | None:
    """As an engineer would have taught it; None where the console has no constant text to be recognised by."""
    one, other = (shown(folder, stem) for folder in _SETS)
    values = {field["text"] for field in one.truth["fields"]}
    same = {(text["text"], tuple(text["box"])) for text in other.truth["texts"]}
    grey = cv2.cvtColor(one.bgr, cv2.COLOR_BGR2GRAY)
    boxes = [
        _box(text["box"])
        for text in one.truth["texts"]
        if (text["text"], tuple(text["box"])) in same and not text["phi"] and text["text"] not in values
    ][:_ANCHORS]
    if len(boxes) < 2:
        return None
    patches = [cv2.imencode(".png", grey[box.rows, box.columns])[1].tobytes() for box in boxes]
    return Template(
        id=stem,
        version=1,
        title=stem,
        modality="DX",
        width=1920,
        height=1080,
        pixel_format="bgr24",
        anchors=tuple(
            Anchor(box=box, patch=base64.b64encode(patch).decode())
            for box, patch in zip(boxes, patches, strict=True)
        ),
        fields=tuple(_fields(one.truth)) if fields else (),
        image=_box(one.truth["image_roi"]),
        event_mode="exposure",
    )


def visible(answer: Redacted, image: Box, truth: dict[str, Any]) -> tuple[int, int]:
    """(identifying texts that touch the image, those of which more than a fiftieth is left)."""
    touched = left = 0
    for text in truth["texts"]:
        x, y, w, h = (int(part) for part in text["box"])
        part = answer.bgr[
            max(y - image.y, 0) : max(y + h - image.y, 0), max(x - image.x, 0) : max(x + w - image.x, 0)
        ]
        if text["phi"] and part.size:
            touched += 1
            left += bool((part.max(axis=2) > 0).mean() > 0.02)
    return touched, left


def count(net: Net, *, fields: bool, only: tuple[str, ...] = ()) -> Counter[str]:
    """Pictures that leave and stay, identifying texts on them, and how many of those can be seen."""
    counted: Counter[str] = Counter()
    for stem in only or stems():
        taught = template(stem, fields=fields)
        for folder in _SETS if taught else ():
            for capture in _CAPTURES:
                one = shown(folder, stem, capture)
                known = [field["text"] for field in one.truth["fields"] if field["phi"]]
                answer = redact(one.bgr, taught, known, net)
                if isinstance(answer, Redacted) and taught is not None:
                    touched, left = visible(answer, taught.image, one.truth)
                    counted.update(leave=1, texts=touched, visible=left)
                else:
                    counted.update(stay=1)
    return counted


def foreign(net: Net, only: tuple[str, ...] = ()) -> Counter[str]:
    """Pictures compared with the templates of other consoles."""
    counted: Counter[str] = Counter()
    taught = {stem: template(stem) for stem in stems()}
    for stem in only or stems():
        one = shown("console", stem)
        for other, its in taught.items():
            if other != stem and its is not None:
                counted["leave" if isinstance(redact(one.bgr, its, (), net), Redacted) else "stay"] += 1
    return counted


def _fields(truth: dict[str, Any]) -> Iterator[ScreenField]:
    for number, field in enumerate(truth["fields"]):
        yield ScreenField(
            keyword=f"field{number}", box=_box(field["cell"]), kind="text", identifying=bool(field["phi"])
        )


def _box(given: list[float]) -> Box:
    x, y, w, h = (round(part) for part in given)
    x, y = max(x, 0), max(y, 0)
    return Box(x=x, y=y, w=min(w, 1920 - x), h=min(h, 1080 - y))


def main() -> int:
    """Exit status 1 when an identifying text can be seen, or anything leaves of a foreign screen."""
    net = net_of(make(ReadingSettings()))
    told = {
        "taught": count(net, fields=True),
        "nothing taught": count(net, fields=False),
        "foreign": foreign(net),
    }
    print(json.dumps(told))
    return int(bool(told["taught"]["visible"] or told["foreign"]["leave"]))


if __name__ == "__main__":
    sys.exit(main())
