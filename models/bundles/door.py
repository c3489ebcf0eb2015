"""``configs/qcbox.toml``: how a bundle that is not ours says when it applies and what its outputs mean.

Declarations only, from closed lists: nothing in a bundle is ever executed except its network.
"""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.metadata import DataFormat, Tensor
from models.catalogue import Entry
from models.rules.schema import Scope

DOOR = "configs/qcbox.toml"
Words = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Preparation(_Part):
    """How the picture becomes the network's input."""

    picture: Literal["canvas", "window"] = "canvas"
    """``canvas``: letterboxed into a square and histogram equalised, as our own networks see it;
    ``window``: the 1st to the 99th percentile, stretched to the input's rows and columns."""
    scale: Literal["unit", "symmetric", "standard", "imagenet"] = "unit"
    """0..1; -1..1; mean 0 and deviation 1; or the means and deviations of ImageNet. Channels are copies."""


class FactSpec(_Part):
    """One channel of an output becomes one fact."""

    name: Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    output: Words
    channel: StrictStr | Annotated[StrictInt, Field(ge=0)] = 0
    """Its name in ``channel_def``, or its number."""
    activation: Literal["none", "sigmoid", "softmax"] = "none"
    """What the network leaves to be done; ``softmax`` is over the output's channels."""
    read: Literal["value", "peak", "area"] = "value"
    """The number of a row; or of a map its largest value, or the share of the picture with ``at_least``."""
    at_least: Annotated[float, Field(gt=0, lt=1)] = 0.5
    unit: Annotated[StrictStr, Field(max_length=20)] = ""
    """UCUM."""
    zh: Words
    en: Words
    leaves_site: bool = True


class Door(_Part):
    """The whole file."""

    applies: Scope
    input: Preparation = Preparation()
    fact: Annotated[tuple[FactSpec, ...], Field(min_length=1, max_length=50)]


def family(bundle: str) -> str:
    """The family of a site's facts: ``x_`` and the bundle's name, so that no name of ours can be taken."""
    return "x_" + bundle.lower().replace("-", "_")


def read_door(content: bytes, form: DataFormat, where: str) -> Door:
    """A bundle's declarations.

    Args:
        content: of the file.
        form: what the network takes and gives.
        where: what the error's text begins with.

    Raises:
        Misuse: the file is wrong, or speaks of outputs or channels that the network does not have.
    """
    try:
        door = Door.model_validate(tomllib.loads(content.decode("utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise _wrong(where, "", str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _wrong(where, ".".join(map(str, first["loc"])), first["msg"]) from None
    problem = _misfit(door, form)
    if problem:
        raise _wrong(where, *problem)
    return door


def entries(bundle: str, version: str, door: Door) -> dict[str, Entry]:
    """The facts as entries of the catalogue."""
    named = {f"{family(bundle)}.{spec.name}": spec for spec in door.fact}
    return {
        name: Entry(
            name=name,
            type="number",
            unit=spec.unit,
            zh=spec.zh,
            en=spec.en,
            source=f"{bundle} {version}",
            leaves_site=spec.leaves_site,
            needs_model=bundle,
            needs_system=None,
        )
        for name, spec in named.items()
    }


def channel_of(tensor: Tensor, spec: FactSpec) -> int:
    """The channel's number. Raises ValueError."""
    if isinstance(spec.channel, int):
        return range(tensor.num_channels).index(spec.channel)
    return tensor.channels.index(spec.channel)


def _misfit(door: Door, form: DataFormat) -> tuple[str, str] | None:
    """Where the declarations ask for what the network does not have, and what that is."""
    inputs = list(form.inputs.values())
    sides = [side for side in inputs[0].spatial_shape if isinstance(side, int)]
    if (
        len(inputs) != 1
        or not len(inputs[0].spatial_shape) == len(sides) == 2
        or inputs[0].num_channels not in (1, 3)
    ):
        return "input", "one input of 1 or 3 channels with fixed rows and columns is needed"
    if door.input.picture == "canvas" and sides[0] != sides[1]:
        return "input.picture", "a canvas is square; use window"
    if door.input.scale == "imagenet" and inputs[0].num_channels != 3:
        return "input.scale", "imagenet is for 3 channels"
    if len({spec.name for spec in door.fact}) < len(door.fact):
        return "fact", "two facts have one name"
    for number, spec in enumerate(door.fact):
        tensor = form.outputs.get(spec.output)
        if tensor is None:
            return f"fact.{number}.output", f"the network has no output {spec.output}"
        try:
            channel_of(tensor, spec)
        except ValueError:
            return f"fact.{number}.channel", f"output {spec.output} has no channel {spec.channel}"
    return None


def _wrong(file: str, place: str, problem: str) -> Misuse:
    where = f"{file}: {place + ': ' if place else ''}"
    return Misuse(
        "bundle.door",
        Bilingual(f"{where}不合规定：{problem}", f"{where}{problem}"),
        Bilingual("见手册“网络包”一页的格式", "See the format in the handbook's page on bundles"),
    )
