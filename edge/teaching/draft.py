"""Draft: a template on the engineer's desk, before it is saved. A value; what changes it is in ``changes``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args

from pydantic import Field

from capture.screen import format
from capture.screen.frame import PixelFormat
from capture.screen.template import (
    Anchor,
    Box,
    EventMode,
    FieldKind,
    Format,
    Part,
    ScreenField,
    Template,
)

FrameName = Literal["a", "b", "c"]
FRAMES: tuple[FrameName, ...] = get_args(FrameName)
Role = Literal["anchor", "mask", "overlay"]
IMAGE = "image"
"""Key of the image box."""
Key = Annotated[str, Field(pattern=r"^[a-z]{1,7}[0-9]{0,4}$")]


class DraftField(Part):
    """A value on the screen. Without a keyword it is not read, and covered in pictures that leave."""

    key: Key
    box: Box
    keyword: str = ""
    kind: FieldKind = "text"
    label: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    required: bool = False
    identifying: bool = True
    witness: bool = False
    choices: tuple[str, ...] = ()
    read_as: tuple[tuple[str, str], ...] = ()
    """Misreadings that people corrected again and again, see :class:`~capture.screen.template.Format`."""


class Spot(Part):
    """Any other box that has no value."""

    key: Key
    role: Role
    box: Box
    text: str = ""


class Draft(Part):
    """All that will be in the template, and what a person confirmed of each frame."""

    source: str
    width: int
    height: int
    pixel_format: PixelFormat
    limited_range: bool = False
    id: str = ""
    title: str = ""
    modality: str = ""
    event_mode: EventMode = "exposure"
    frozen_text: str = ""
    clock: bool = False
    device: Mapping[str, str] = {}
    fields: tuple[DraftField, ...] = ()
    spots: tuple[Spot, ...] = ()
    image: Box | None = None
    confirmed: Mapping[FrameName, Mapping[str, str]] = {}
    """By frame and key of a field: the text as it stands on the screen."""
    learnt: Mapping[str, tuple[str, ...]] = {}
    """Samples of earlier versions by keyword."""
    next: int = 1

    def of_role(self, role: Role) -> tuple[Spot, ...]:
        """Anchors, masks or overlays."""
        return tuple(spot for spot in self.spots if spot.role == role)

    def field(self, key: str) -> DraftField | None:
        """The field with that key."""
        return next((field for field in self.fields if field.key == key), None)

    @property
    def named(self) -> tuple[DraftField, ...]:
        """Those that will be read."""
        return tuple(field for field in self.fields if field.keyword)

    def box(self, key: str) -> Box | None:
        """The box with that key."""
        if key == IMAGE:
            return self.image
        boxes = {**{one.key: one.box for one in self.fields}, **{one.key: one.box for one in self.spots}}
        return boxes.get(key)

    def samples(self, field: DraftField) -> tuple[str, ...]:
        """What a person said stands there, in any frame."""
        said = [of_frame[field.key] for of_frame in self.confirmed.values() if of_frame.get(field.key)]
        return tuple(dict.fromkeys((*said, *self.learnt.get(field.keyword, ()))))

    def open(self, frame: FrameName) -> tuple[DraftField, ...]:
        """Named fields of which nobody has said what that frame shows."""
        said = self.confirmed.get(frame, {})
        return tuple(field for field in self.named if field.key not in said)


def taught(draft: Draft, field: DraftField, *, keyword: str = "") -> ScreenField:
    """A field as the template will have it; ``keyword``: another name, where the field has none yet."""
    samples = draft.samples(field)
    kept = tuple(dict.fromkeys(format.shape(one) for one in samples)) if field.identifying else samples
    learnt = format.learn(samples, field.kind) if samples else Format()
    if field.kind == "choice":
        learnt = learnt.model_copy(update={"choices": tuple(dict.fromkeys((*field.choices, *learnt.choices)))})
    learnt = learnt.model_copy(update={"read_as": field.read_as})
    # As long as nobody has said what there is to choose from, it is read as text.
    kind = "text" if field.kind == "choice" and not learnt.choices else field.kind
    return ScreenField(
        keyword=keyword or field.keyword,
        box=field.box,
        kind=kind,
        label=field.label,
        format=learnt,
        unit=field.unit,
        low=field.low,
        high=field.high,
        required=field.required,
        identifying=field.identifying,
        samples=kept,
    )


def finished(draft: Draft, patches: Mapping[str, str], version: int = 1) -> Template:
    """The template. ``patches``: the grey patch of each anchor by its key (PNG, base64).

    Raises:
        pydantic.ValidationError: something is missing; :func:`edge.teaching.proof.lacks` says what.
    """
    anchors = tuple(Anchor(box=one.box, text=one.text, patch=patches[one.key]) for one in draft.of_role("anchor"))
    unread = tuple(field.box for field in draft.fields if not field.keyword)
    return Template(
        id=draft.id,
        version=version,
        title=draft.title,
        modality=draft.modality,
        width=draft.width,
        height=draft.height,
        pixel_format=draft.pixel_format,
        limited_range=draft.limited_range,
        anchors=anchors,
        fields=tuple(taught(draft, field) for field in draft.named),
        image=draft.image or Box(x=0, y=0, w=draft.width, h=draft.height),
        masks=(*(spot.box for spot in draft.of_role("mask")), *unread),
        overlays=tuple(spot.box for spot in draft.of_role("overlay")),
        event_mode=draft.event_mode,
        witnesses=tuple(field.keyword for field in draft.named if field.witness),
        frozen_text=draft.frozen_text,
        clock=draft.clock,
        device={keyword: text for keyword, text in draft.device.items() if text},
    )


def reopened(source: str, template: Template) -> Draft:
    """A draft to go on from a saved version."""
    fields = tuple(
        DraftField(
            key=f"f{number}",
            box=one.box,
            keyword=one.keyword,
            kind=one.kind,
            label=one.label,
            unit=one.unit,
            low=one.low,
            high=one.high,
            required=one.required,
            identifying=one.identifying,
            witness=one.keyword in template.witnesses,
            choices=one.format.choices,
            read_as=one.format.read_as,
        )
        for number, one in enumerate(template.fields, 1)
    )
    count = len(fields)
    spots: list[Spot] = []
    boxes: Sequence[tuple[Role, Box, str]] = [
        *(("anchor", one.box, one.text) for one in template.anchors),
        *(("mask", box, "") for box in template.masks),
        *(("overlay", box, "") for box in template.overlays),
    ]
    for role, box, text in boxes:
        count += 1
        spots.append(Spot(key=f"{role[0]}{count}", role=role, box=box, text=text))
    return Draft(
        source=source,
        fields=fields,
        spots=tuple(spots),
        learnt={one.keyword: one.samples for one in template.fields if not one.identifying},
        next=count + 1,
        **template.model_dump(include=_KEPT),
    )


_KEPT = {
    "id", "title", "modality", "width", "height", "pixel_format", "limited_range", "image", "event_mode",
    "frozen_text", "clock", "device",
}  # fmt: skip
