"""Report: what an evaluation found, as values. Rendering is elsewhere (:mod:`models.training.report.page`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % confidence interval and what it rests on."""

    value: float
    low: float = math.nan
    high: float = math.nan
    images: int = 0
    patients: int = 0


Cell = str | int | float | Estimate


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of the issue's bars: what was asked and what was found."""

    what: str
    found: Estimate
    bar: float
    sense: Literal[">=", "<="] = ">="
    unit: str = ""
    note: str = ""

    @property
    def holds(self) -> bool:
        """The point estimate meets the bar; the interval beside it says how sure that is."""
        return self.found.value >= self.bar if self.sense == ">=" else self.found.value <= self.bar


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot as SVG text (:mod:`models.training.report.plots` draws the usual ones)."""

    title: str
    svg: str


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """One image of the failure gallery: uint8 ``(rows, columns)`` or RGB ``(rows, columns, 3)``.

    Embedded in the page in the user's own folder; never committed.
    """

    image: NDArray[np.uint8]
    caption: str


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation. ``claims`` first: they are what a reader looks for."""

    title: str
    claims: tuple[Claim, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    gallery: tuple[Thumbnail, ...] = ()
    notes: tuple[str, ...] = ()
