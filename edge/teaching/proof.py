"""The proof of a draft: what it still lacks, and what its template reads on the frames a person confirmed."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from capture.screen import format
from capture.screen.reading import FieldReading
from capture.screen.template import ScreenField, Template
from cloud_sync.kit.i18n import mark
from edge.reading import Proved
from edge.teaching.draft import FRAMES, Draft, DraftField, FrameName

Outcome = Literal["right", "to_check", "wrong"]
"""wrong: the box would have believed something that is not there. to_check: a person would be asked."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One field of one frame."""

    frame: FrameName
    field: DraftField
    said: str
    reading: FieldReading
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Proof:
    """All fields of all frames."""

    placed: Mapping[FrameName, bool]
    tried: tuple[Tried, ...]

    @property
    def wrong(self) -> tuple[Tried, ...]:
        """Those for which it must not be used."""
        return tuple(one for one in self.tried if one.outcome == "wrong")

    @property
    def to_check(self) -> tuple[Tried, ...]:
        """Those that a technologist will be asked."""
        return tuple(one for one in self.tried if one.outcome == "to_check")

    @property
    def passed(self) -> bool:
        """Known in every frame, and nothing believed that is not there."""
        return bool(self.placed) and all(self.placed.values()) and not self.wrong


def lacks(draft: Draft, frames: Sequence[FrameName]) -> tuple[str, ...]:
    """What must be done before it can be tried and saved, as texts of the catalogue."""
    missing = {
        mark("Capture three exams"): set(frames) >= set(FRAMES),
        mark("Set the image box"): draft.image is not None,
        mark("Draw two anchors or more on texts that never change"): len(draft.of_role("anchor")) >= 2,
        mark("Give one field or more a meaning"): bool(draft.named),
        mark("Confirm the values of all three exams"): bool(draft.named)
        and not any(draft.open(frame) for frame in FRAMES),
        mark("Fill in title, name of the file and modality"): bool(draft.title and draft.id and draft.modality),
    }
    return tuple(text for text, done in missing.items() if not done)


def judge(draft: Draft, template: Template, proved: Sequence[Proved]) -> Proof:
    """Compare what was read with what a person said. ``proved``: of the frames a, b, c."""
    tried: list[Tried] = []
    taught = {field.keyword: field for field in template.fields}
    for frame, found in zip(FRAMES, proved, strict=True):
        read = {reading.keyword: reading for reading in found.readings}
        for field in draft.named:
            said = draft.confirmed.get(frame, {}).get(field.key, "")
            reading = read[field.keyword]
            tried.append(Tried(frame, field, said, reading, _outcome(taught[field.keyword], said, reading)))
    return Proof({frame: one.placed for frame, one in zip(FRAMES, proved, strict=True)}, tuple(tried))


def _outcome(field: ScreenField, said: str, reading: FieldReading) -> Outcome:
    if reading.state == "accepted":
        wanted = format.value(field, said) if said else ""
        return "right" if _plain(reading.text) == _plain(wanted if wanted is not None else said) else "wrong"
    return "right" if not said and not reading.text else "to_check"


def _plain(text: str) -> str:
    """Spaces, and the width of Latin characters in Chinese text, mean nothing."""
    return "".join(unicodedata.normalize("NFKC", text).split())
