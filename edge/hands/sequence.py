"""Sequence: what a field engineer taught the box to do on one foreign screen. One JSON file, declarative only.

Boxes and points are pixels of the taught screen. Where a window stands elsewhere than taught, its first patch
says by how much, and everything of the step moves with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import string
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from capture.errors import Misuse
from capture.screen.template import Box, Part
from capture.text import Bilingual
from edge.hands.keys import KEYS
from edge.hands.ports import Button

MOST_SECONDS = 120.0


class Patch(Part):
    """A piece of the screen that must be there."""

    box: Box
    png: str
    """Its picture in colour, PNG, base64."""
    similarity: Annotated[float, Field(ge=0.5, le=1)] = 0.9
    """Least correlation with what is seen."""

    @field_validator("png")
    @classmethod
    def _decodes(cls, value: str) -> str:
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            raise ValueError("not base64") from None
        return value


class Words(Part):
    """A text that must be readable in a box. ``text`` may hold ``{names}`` of values: ``{PatientID}``."""

    box: Box
    text: Annotated[str, Field(min_length=1, max_length=200)]


class _Step(Part):
    """What every step has: it waits until all it must see is there, and only then acts."""

    title: Annotated[str, Field(max_length=120)] = ""
    sees: Annotated[tuple[Patch, ...], Field(min_length=1, max_length=8)]
    """The first says how far the window has moved; the others must have moved with it."""
    roam: Annotated[int, Field(ge=0, le=16384)] = 0
    """Pixels by which the window may stand elsewhere than taught."""
    words: Annotated[tuple[Words, ...], Field(max_length=8)] = ()
    seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)] = 10.0
    """How long it may take until it is seen."""


class Wait(_Step):
    """Only looks."""

    do: Literal["wait"]


class Click(_Step):
    """Clicks a point."""

    do: Literal["click"]
    x: Annotated[int, Field(ge=0, le=16384)]
    y: Annotated[int, Field(ge=0, le=16384)]
    button: Button = "left"
    times: Annotated[int, Field(ge=1, le=3)] = 1


class Press(_Step):
    """Presses keys together: ("ctrl", "a")."""

    do: Literal["press"]
    keys: Annotated[tuple[str, ...], Field(min_length=1, max_length=4)]

    @field_validator("keys")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in value if name not in KEYS]:
            raise ValueError(f"no key {unknown[0]}")
        return value


class Type(_Step):
    """Types a text into the field that has the focus: the first character alone, the rest once it is seen."""

    do: Literal["type"]
    text: Annotated[str, Field(min_length=1, max_length=4000)]
    """May hold ``{names}`` of values: ``{verdict}``."""
    echo: Box
    """Where what is typed appears."""
    caret: bool = True
    """Whether a caret must blink in ``echo`` before the first key. False: the step's patches show the focus."""
    reads_back: bool = True
    """Whether the text is read in ``echo`` at the end and must be what was typed."""


Step = Annotated[Wait | Click | Press | Type, Field(discriminator="do")]


class Sequence(Part):
    """Steps in order; the first that does not fit ends the run."""

    schema_version: Literal[1] = 1
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    width: Annotated[int, Field(ge=160, le=16384)]
    height: Annotated[int, Field(ge=120, le=16384)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for step in self.steps:
            boxes = [patch.box for patch in step.sees] + [words.box for words in step.words]
            if isinstance(step, Type):
                if any(_overlap(box, step.echo) for box in boxes):
                    raise ValueError("what is typed would cover what the step must see")
                boxes.append(step.echo)
            if any(box.x + box.w > self.width or box.y + box.h > self.height for box in boxes):
                raise ValueError("a box lies outside the screen")
            if isinstance(step, Click) and (step.x >= self.width or step.y >= self.height):
                raise ValueError("a point lies outside the screen")
            for text in texts_of(step):
                names_in(text)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Of the values that a run must be given, sorted."""
        return tuple(sorted({name for step in self.steps for text in texts_of(step) for name in names_in(text)}))

    def dump(self) -> bytes:
        """The file's bytes, the same for equal sequences."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, indent=1).encode()

    @property
    def sha256(self) -> str:
        """Fingerprint of the file."""
        return hashlib.sha256(self.dump()).hexdigest()


def texts_of(step: Wait | Click | Press | Type) -> tuple[str, ...]:
    """Every text of a step that may hold names."""
    typed = (step.text,) if isinstance(step, Type) else ()
    return (*(words.text for words in step.words), *typed)


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.w
        and other.x < one.x + one.w
        and one.y < other.y + other.h
        and other.y < one.y + one.h
    )


def names_in(text: str) -> tuple[str, ...]:
    """Names in braces. Raises ValueError for anything but plain names: no indexing, no format."""
    found = []
    for _, name, spec, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError("braces hold a plain name")
        found.append(name)
    return tuple(found)


def load(content: bytes) -> Sequence:
    """A sequence from its file's bytes.

    Raises:
        Misuse: ``hands.sequence``, with the places that are wrong.
    """
    try:
        return Sequence.model_validate_json(content)
    except ValidationError as error:
        places = ", ".join(".".join(str(p) for p in e["loc"]) or e["type"] for e in error.errors()[:5])
        raise Misuse(
            "hands.sequence",
            Bilingual(f"操作序列文件无效：{places}", f"The sequence is not valid: {places}"),
            Bilingual("请重新录制", "Record it again: qcbox hands record"),
        ) from None
