"""Seeds: baselines that a pack brings for devices that have not learned their own, in its ``baselines.toml``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from capture.errors import Misuse
from capture.text import Bilingual
from models.baseline import CONSISTENT, LEAST, Alike, Seed, spread
from models.catalogue import catalogue
from models.circumstances import Baseline

FILE = "baselines.toml"
_HINT = Bilingual("见手册“基线”一页", "See the handbook's page on baselines")
_Part = Annotated[str, Field(max_length=64)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class _Row(BaseModel):
    """One ``[[seed]]``. What it does not name is anything."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    measure: str
    median: _Number
    robust_sd: Annotated[_Number, Field(gt=0)]
    count: Annotated[int, Field(ge=LEAST)]
    """Of images it was made of: fewer than a device itself must have seen are no baseline."""
    source: Annotated[str, Field(min_length=1, max_length=200)]
    producer: _Part = ""
    """Who measured them, with the version; what is not named is compared with any."""
    modality: _Part = ""
    body_part: _Part = ""
    view: _Part = ""
    protocol: _Part = ""
    technique: _Part = ""
    software: _Part = ""
    detector: _Part = ""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    seed: Annotated[tuple[_Row, ...], Field(min_length=1)]


def read_seeds(path: Path) -> tuple[Seed, ...]:
    """The seeds of a pack (its folder) or of a file.

    Raises:
        Misuse: it cannot be read, has another shape, or a measure is not compared with baselines.
    """
    file = path / FILE if path.is_dir() else path
    try:
        rows = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).seed
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _misuse(file, Bilingual("无法读取，或不是 TOML", "cannot be read, or is no TOML")) from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _misuse(file, Bilingual(f"{where}：{first['msg']}", f"{where}: {first['msg']}")) from None
    known = {entry.baseline_of for entry in catalogue().values()}
    for row in rows:
        if row.measure not in known:
            raise _misuse(file, Bilingual(f"{row.measure} 不与基线比较", f"{row.measure} has no baseline"))
    return tuple(_seed(row) for row in rows)


def written(seeds: Iterable[Seed]) -> str:
    """The file that :func:`read_seeds` reads, so that one device can teach another."""
    return "\n".join(line for seed in seeds for line in _lines(seed))


def _seed(row: _Row) -> Seed:
    parts = {name: getattr(row, name) for name in Alike.__dataclass_fields__}
    made = Baseline(row.measure, row.median, row.robust_sd / CONSISTENT, row.count, True, row.producer)
    return Seed(Alike(**parts), made, row.source)


def _lines(seed: Seed) -> Iterator[str]:
    base = seed.baseline
    yield "[[seed]]"
    yield f"measure = {json.dumps(base.measure)}"
    yield f"median = {base.median!r}"
    yield f"robust_sd = {spread(base)!r}"
    yield f"count = {base.count}"
    yield f"source = {json.dumps(seed.source, ensure_ascii=False)}"
    for name, text in ({"producer": base.producer} | asdict(seed.alike)).items():
        if text:
            yield f"{name} = {json.dumps(text, ensure_ascii=False)}"
    yield ""


def _misuse(file: Path, what: Bilingual) -> Misuse:
    return Misuse("baseline.seed", Bilingual(f"{file.name}：{what.zh}", f"{file.name}: {what.en}"), _HINT)
