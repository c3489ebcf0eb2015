"""``configs/metadata.json`` of a MONAI bundle, checked (docs.monai.io, MONAI Bundle Specification).

What the specification demands is demanded here; keys of its own that a bundle adds are kept out of the way.
Where bundles in use and the text differ, this takes both: ``modality`` of a tensor may be missing (the
specification's own example), and packages may be ``required_`` or ``optional_packages_version``.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from capture.errors import Misuse
from capture.text import Bilingual

METADATA = "configs/metadata.json"
NETWORK = "models/model.onnx"
CARD = "docs/README.md"
GOLDENS = "goldens"
"""Where a bundle keeps what."""
Line = Annotated[StrictStr, Field(min_length=1, max_length=20_000)]
Side = Annotated[StrictInt, Field(ge=1, le=8192)] | Annotated[StrictStr, Field(min_length=1, max_length=40)]
"""A length in pixels, or an expression such as ``*`` or ``2**n`` for one that may vary."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Tensor(_Part):
    """One input or output: (n, ``num_channels``, *``spatial_shape``)."""

    type: Line
    format: Line
    modality: Line = "n/a"
    num_channels: Annotated[StrictInt, Field(ge=1, le=4096)]
    spatial_shape: tuple[Side, ...]
    dtype: Line
    value_range: tuple[float, ...]
    is_patch_data: StrictBool
    channel_def: dict[Annotated[str, Field(pattern=r"^\d{1,4}$")], StrictStr]

    @property
    def channels(self) -> tuple[str, ...]:
        """The name of each channel, in order; its number where the bundle gives none."""
        return tuple(self.channel_def.get(str(number), str(number)) for number in range(self.num_channels))


class DataFormat(_Part):
    """``network_data_format``."""

    inputs: Annotated[dict[str, Tensor], Field(min_length=1)]
    outputs: Annotated[dict[str, Tensor], Field(min_length=1)]


class Ours(_Part):
    """``qcbox``: keys that MONAI does not know."""

    task_zh: Annotated[str, Field(max_length=2000)] = ""
    description_zh: Annotated[str, Field(max_length=2000)] = ""
    """What people see who read Chinese; the English text where there is none."""
    min_agent: Annotated[str, Field(pattern=r"^(\d{1,5}(\.\d{1,5}){0,2})?$")] = ""
    """Oldest program version that understands the bundle; empty: any."""


class Metadata(_Part):
    """The whole file."""

    version: Annotated[StrictStr, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}$")]
    monai_version: Line
    pytorch_version: Line
    numpy_version: Line
    required_packages_version: dict[str, str] | None = None
    optional_packages_version: dict[str, str] | None = None
    task: Line
    description: Line
    authors: Line
    copyright: Line
    network_data_format: DataFormat
    intended_use: str = ""
    data_source: str = ""
    references: tuple[str, ...] = ()
    changelog: dict[str, str] = {}
    qcbox: Ours = Ours()

    @model_validator(mode="after")
    def _names_its_packages(self) -> Self:
        if self.required_packages_version is None and self.optional_packages_version is None:
            raise ValueError("required_packages_version is missing")
        return self


def read_metadata(content: bytes, where: str) -> Metadata:
    """The file; ``where``: what the error's text begins with. Raises Misuse ``bundle.metadata``."""
    try:
        return Metadata.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "JSON"
        raise Misuse(
            "bundle.metadata",
            Bilingual(f"{where}：{place}：{first['msg']}", f"{where}: {place}: {first['msg']}"),
            Bilingual(
                "见 MONAI Bundle 规范的 metadata.json 一节", "See metadata.json in the MONAI Bundle Specification"
            ),
        ) from None
