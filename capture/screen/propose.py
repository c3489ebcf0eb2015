"""Two exams of the same console to a proposal: texts that differ are fields, equal ones labels and anchors."""

from __future__ import annotations

from dataclasses import dataclass

from capture.screen.frame import Picture
from capture.screen.ocr.engine import Engines
from capture.screen.template import Anchor, Box, EventMode, FieldKind, Levels


@dataclass(frozen=True, slots=True, repr=False)
class ProposedField:
    """A text that changed. ``repr`` shows no text."""

    box: Box
    """Room for longer values included."""
    label: str
    keyword: str
    """DICOM keyword suggested by the label; "" when none is known."""
    kind: FieldKind
    unit: str
    identifying: bool
    text_a: str
    text_b: str

    def __repr__(self) -> str:
        return f"ProposedField({self.keyword or '?'}, {self.kind})"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the engineer corrects instead of drawing."""

    fields: tuple[ProposedField, ...]
    anchors: tuple[Anchor, ...]
    image: Box
    event_mode: EventMode
    levels: Levels


def propose(a: Picture, b: Picture, engines: Engines) -> Proposal:
    """From exam A and exam B of one console, at the same resolution."""
    raise NotImplementedError


def moving_image(frames: tuple[Picture, ...]) -> Box | None:
    """The image box from live frames of a moving picture (ultrasound), or None when nothing moves."""
    raise NotImplementedError
