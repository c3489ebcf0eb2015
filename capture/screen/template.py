"""Template: what a field engineer taught the box about one console screen. One JSON file, declarative only.

All boxes are in pixels of the taught resolution (``width`` x ``height``), origin at the top left.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from capture.errors import Misuse
from capture.screen.frame import PixelFormat
from capture.text import Bilingual

FieldKind = Literal["number", "date", "time", "id", "name", "text", "choice"]
EventMode = Literal["exposure", "freeze", "series"]
"""exposure: an image appears and stays (DR, DSA). freeze: a live picture stops (ultrasound). series: slices."""


class Part(BaseModel):
    """Base of everything in a template file: closed, so that a misspelt key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Box(Part):
    """A rectangle in pixels of the taught resolution."""

    x: Annotated[int, Field(ge=0, le=16384)]
    y: Annotated[int, Field(ge=0, le=16384)]
    w: Annotated[int, Field(ge=1, le=16384)]
    h: Annotated[int, Field(ge=1, le=16384)]

    @property
    def rows(self) -> slice:
        """Of an array (rows, columns)."""
        return slice(self.y, self.y + self.h)

    @property
    def columns(self) -> slice:
        """Of an array (rows, columns)."""
        return slice(self.x, self.x + self.w)


class Format(Part):
    """What a value looks like, learnt from confirmed samples. The only guard against a lost decimal point."""

    prefix: str = ""
    """Constant characters before the value, never read: "DVA:"."""
    suffix: str = ""
    digits: tuple[int, ...] = ()
    """Run lengths of digits for id, date and time; () when they vary."""
    decimals: tuple[int, ...] = ()
    """Numbers of digits behind the decimal point that were confirmed; (0,) is an integer."""
    separators: str = ""
    """Characters between runs, in order, for date, time and id: "--" of 1990-03-15. Of a name: one of them occurs.
    Of a number: "+" when positive values carry it."""
    alphabet: str = ""
    """Characters that may occur; "" for any. The reader chooses the best among these."""
    choices: tuple[str, ...] = ()
    """Of a field that only has a few values: M, F."""
    shapes: tuple[str, ...] = ()
    """Of a text with several numbers or varying words: each number as 0 with its decimals: "W0L0", "0.000:0"."""
    read_as: tuple[tuple[str, str], ...] = ()
    """Of a coded value: what it is taken for again and again, without spaces, and what it is."""

    @model_serializer(mode="wrap")
    def _without_nothing(self, proceed: SerializerFunctionWrapHandler) -> dict[str, object]:
        """What nobody learnt is left out: templates of releases that did not know it keep their fingerprint."""
        told: dict[str, object] = proceed(self)
        if not self.read_as:
            told.pop("read_as", None)
        return told


class ScreenField(Part):
    """One value on the screen."""

    keyword: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$", max_length=64)]
    """DICOM keyword (KVP), or a name of one's own with a small first letter for what is read but not judged."""
    box: Box
    kind: FieldKind
    label: str = ""
    """The constant text beside it, as on the screen."""
    format: Format = Format()
    unit: str = ""
    """As on the screen; converted to DICOM's by :mod:`capture.screen.units`."""
    low: float | None = None
    high: float | None = None
    required: bool = False
    identifying: bool = True
    """Unless taught otherwise: a mistake must hide too much, not too little."""
    samples: tuple[str, ...] = ()
    """Confirmed by a person. Of an identifying field only their shape is kept (digits as 0, letters as A)."""


class Anchor(Part):
    """A constant patch by which the screen is recognised."""

    box: Box
    text: str = ""
    patch: str
    """PNG of the grey patch, base64."""


class Template(Part):
    """One screen of one console. ``version`` counts up at each save; a saved version never changes."""

    schema_version: Literal[1] = 1
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    version: Annotated[int, Field(ge=1)]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    modality: Annotated[str, Field(pattern=r"^[A-Z]{2,4}$")]
    """DICOM Modality of what it shows."""
    width: Annotated[int, Field(ge=160, le=8192)]
    height: Annotated[int, Field(ge=120, le=8192)]
    pixel_format: PixelFormat
    limited_range: bool = False
    """The source says 16 to 235 where it means 0 to 255; expanded before use."""
    anchors: Annotated[tuple[Anchor, ...], Field(min_length=2, max_length=32)]
    anchors_needed: Annotated[int, Field(ge=2)] = 2
    fields: Annotated[tuple[ScreenField, ...], Field(max_length=200)]
    image: Box
    """Where the image lies."""
    masks: tuple[Box, ...] = ()
    """Blackened in every picture that leaves the store, beside the identifying fields."""
    overlays: tuple[Box, ...] = ()
    """Parts of the image box that change without a new image: a clock, a cursor's read-out."""
    event_mode: EventMode
    witnesses: tuple[str, ...] = ()
    """Keywords of fields of which at least one changes with every new image: the second witness."""
    frozen_text: str = ""
    """freeze: what the witness field shows while frozen ("FROZEN"); "" when stillness alone decides."""
    clock: bool = False
    """The screen has a running clock: ten seconds of identical buffers are then a frozen feed."""
    device: dict[str, str] = {}
    """DICOM keywords of the equipment that the screen does not show: Manufacturer, StationName."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        boxes = (
            [f.box for f in self.fields]
            + [a.box for a in self.anchors]
            + [*self.masks, *self.overlays, self.image]
        )
        if any(box.x + box.w > self.width or box.y + box.h > self.height for box in boxes):
            raise ValueError("a box lies outside the screen")
        names = [field.keyword for field in self.fields]
        if len(set(names)) != len(names):
            raise ValueError("two fields have the same keyword")
        if not set(self.witnesses) <= set(names):
            raise ValueError("a witness is not a field")
        if self.anchors_needed > len(self.anchors):
            raise ValueError("more anchors needed than there are")
        return self

    def dump(self) -> bytes:
        """The file's bytes, the same for equal templates."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, indent=1).encode()

    @property
    def sha256(self) -> str:
        """Fingerprint of the file."""
        return hashlib.sha256(self.dump()).hexdigest()


def load(content: bytes) -> Template:
    """A template from its file's bytes.

    Raises:
        Misuse: ``template.invalid``, with the places that are wrong.
    """
    try:
        return Template.model_validate_json(content)
    except ValidationError as error:
        # Places only: a value may be a patient's name.
        places = ", ".join(".".join(str(p) for p in e["loc"]) or e["type"] for e in error.errors()[:5])
        raise Misuse(
            "template.invalid",
            Bilingual(f"模板文件无效：{places}", f"The template file is not valid: {places}"),
            Bilingual(
                "请在示教页面重新保存，或导入完整的模板文件",
                "Save it again on the teaching page, or import a whole file",
            ),
        ) from None
