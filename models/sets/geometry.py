"""How the slices of a series lie: stacks of parallel slices, their order, gaps, repeats and tilt. Pure.

Positions are along the normal of the slices, in mm. Its sign is such that they rise from the feet to the head,
from front to back, or from the right to the left, whichever axis of the patient it is nearest to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.exposure.geometry import normal_of
from models.sets.image_set import Series, Slice
from models.sets.latest import of_the_latest

SAME_COSINE = 2e-3
"""Direction cosines that differ by less are of one orientation (0.1 degrees); devices write four decimals."""
SAME_PLACE_MM = 0.01
"""Slices nearer than this are at one place; a position has two decimals at least."""
_FEW_GAPS = 0.2
"""Of all steps; a transfer loses some slices, not every fifth."""
MISSING = 1.5
"""A step this many times the usual one leaves room for a slice."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Parallel slices of one size and frame of reference, in order of position, one at each place."""

    slices: tuple[Slice, ...]
    positions_mm: NDArray[np.float64]
    """(n,), rising."""
    direction: NDArray[np.float64]
    """(3,), the unit normal that the positions rise along."""
    repeated: tuple[Slice, ...] = ()
    """Further images at places that have one: other instances that nothing tells from the first."""

    @property
    def steps_mm(self) -> NDArray[np.float64]:
        """(n - 1,), from each slice to the next."""
        return np.diff(self.positions_mm)

    @property
    def spacing_mm(self) -> float | None:
        """The usual step, the median; None for a single slice."""
        return float(np.median(self.steps_mm)) if len(self.slices) > 1 else None

    @property
    def usual_mm(self) -> NDArray[np.float64]:
        """(n - 1,), for each step what is usual between slices of that thickness: a head is often scanned in two
        parts, thin and thick."""
        steps = self.steps_mm
        usual = np.full(len(steps), np.median(steps) if len(steps) else 0.0)
        thickness = np.array([one.technique.SliceThickness or 0.0 for one in self.slices])
        of_one = thickness[1:] == thickness[:-1]
        for value in np.unique(thickness):
            here = of_one & (thickness[1:] == value)
            if here.sum() > 1:
                usual[here] = np.median(steps[here])
        # Where one part ends, the wider step of both is no gap.
        for at in np.flatnonzero(~of_one):
            usual[at] = usual[max(at - 1, 0) : at + 2].max()
        return usual

    @property
    def gaps(self) -> tuple[int, ...]:
        """After which slices (0-based) there is room for others, once for each that would fit."""
        times = self.steps_mm / np.maximum(self.usual_mm, SAME_PLACE_MM)
        counts = np.where(times > MISSING, np.round(times) - 1, 0).astype(int)
        return tuple(int(at) for at in np.repeat(np.arange(len(times)), counts))

    @property
    def missing(self) -> tuple[int, ...]:
        """The gaps that slices were lost from. Many that the numbers run through are how it was planned."""
        gaps = self.gaps
        planned = len(set(gaps)) > _FEW_GAPS * max(len(self.slices) - 1, 1)
        return () if planned and all(self._numbered_through(at) for at in set(gaps)) else gaps

    def _numbered_through(self, at: int) -> bool:
        one, other = (self.slices[number].exam.InstanceNumber for number in (at, at + 1))
        return one is not None and other is not None and abs(other - one) == 1

    @property
    def spacing_variation_percent(self) -> float | None:
        """Root mean square distance of the steps from the usual one, in percent of it; lost slices left out."""
        usual, steps = self.usual_mm, self.steps_mm
        thickness = [one.technique.SliceThickness for one in self.slices]
        whole = np.array([one == other for one, other in pairwise(thickness)], bool)
        whole[list(self.missing)] = False
        return float(np.sqrt(np.mean((steps[whole] / usual[whole] - 1) ** 2)) * 100) if whole.any() else None

    def is_over(self, other: Stack) -> bool:
        """Both are of one plane and one grid, and begin or end at the same place."""
        if np.abs(self.direction - other.direction).max() > SAME_COSINE or _grid(self.slices[0]) != _grid(
            other.slices[0]
        ):
            return False
        ends = np.abs(self.positions_mm[[0, -1]] - other.positions_mm[[0, -1]])
        return bool(ends.min() <= SAME_PLACE_MM)

    @property
    def shear_deg(self) -> float:
        """Angle between the way from the first to the last slice and their normal: that of a tilted gantry."""
        if len(self.slices) < 2:
            return 0.0
        way = _position(self.slices[-1]) - _position(self.slices[0])
        across = way - self.direction * float(way @ self.direction)
        return math.degrees(math.atan2(float(np.linalg.norm(across)), abs(float(way @ self.direction))))


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """A series sorted out."""

    stacks: tuple[Stack, ...]
    """The largest first."""
    once: tuple[Slice, ...]
    """All slices, each instance and frame once: the last to come, which corrects those before."""
    resent: int
    """Images that came more than once."""
    unplaced: int
    """Slices without a valid position or orientation, which are in no stack."""


@of_the_latest
def sorted_out(series: Series) -> Arrangement:
    """:func:`arrangement_of` its slices; kept until another series is asked for, since several measures ask."""
    return arrangement_of(series.slices)


def arrangement_of(slices: Iterable[Slice]) -> Arrangement:
    """Sort the slices of a series into stacks.

    Slices at the same places are told apart by what they show (kind of picture, echo, b-value, time); what is
    still at one place then is a repeated image.
    """
    once: dict[Hashable, Slice] = {}
    came = 0
    for one in slices:
        came += 1
        once[(one.instance or one.arrival_id, one.frame)] = one
    placed = [one for one in once.values() if is_placed(one)]
    stacks = [stack for group in _parallel(placed) for stack in _told_apart(group)]
    return Arrangement(
        stacks=tuple(sorted(stacks, key=lambda stack: len(stack.slices), reverse=True)),
        once=tuple(once.values()),
        resent=came - len(once),
        unplaced=len(once) - len(placed),
    )


def is_placed(one: Slice) -> bool:
    """It says where it lies: a position, and an orientation that is two unit vectors at right angles."""
    where = one.technique.ImagePositionPatient
    return (
        len(where) == 3
        and all(map(math.isfinite, where))
        and normal_of(one.technique.ImageOrientationPatient) is not None
    )


def direction_of(cosines: Sequence[float]) -> NDArray[np.float64]:
    """Unit normal that points to the head, the back or the left, whichever it is nearest to."""
    normal = np.asarray(np.cross(cosines[:3], cosines[3:]), np.float64)
    normal /= np.linalg.norm(normal)
    return normal if normal[int(np.argmax(np.abs(normal)))] > 0 else -normal


def _position(one: Slice) -> NDArray[np.float64]:
    return np.array(one.technique.ImagePositionPatient, np.float64)


def _grid(one: Slice) -> Hashable:
    return one.frame_of_reference, one.display.Rows, one.display.Columns, one.display.PixelSpacing


def _parallel(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Groups of one grid and one orientation."""
    groups: dict[Hashable, list[tuple[NDArray[np.float64], list[Slice]]]] = {}
    for one in slices:
        cosines = np.array(one.technique.ImageOrientationPatient)
        found = groups.setdefault(_grid(one), [])
        for known, group in reversed(found):
            if np.abs(known - cosines).max() < SAME_COSINE:
                group.append(one)
                break
        else:
            found.append((cosines, [one]))
    return [group for found in groups.values() for _, group in found]


_TELLS: tuple[Callable[[Slice], Hashable], ...] = (
    lambda one: one.exam.ImageType,
    lambda one: one.exam.ComplexImageComponent,
    lambda one: one.technique.EchoTime,
    lambda one: one.technique.DiffusionBValue,
    lambda one: one.technique.DiffusionGradientOrientation,
    lambda one: one.exam.TemporalPositionIdentifier,
    lambda one: one.technique.InversionTime,
    lambda one: one.technique.ConvolutionKernel,
    lambda one: one.exam.AcquisitionNumber,
    lambda one: (one.exam.AcquisitionDate, one.exam.AcquisitionTime),
)
"""What tells pictures of one place apart, the surest first."""


def _told_apart(group: Sequence[Slice]) -> list[Stack]:
    stack, most = _stacked(group)
    if most == 1:
        return [stack]
    for tell in _TELLS:
        parts: dict[Hashable, list[Slice]] = {}
        for one in group:
            parts.setdefault(tell(one), []).append(one)
        # More parts than pictures of one place: it differs from place to place, as a time does, and tells nothing.
        if 1 < len(parts) <= most and sum(len(_stacked(part)[0].repeated) for part in parts.values()) < len(
            stack.repeated
        ):
            return [found for part in parts.values() for found in _told_apart(part)]
    return [stack]


def _stacked(group: Sequence[Slice]) -> tuple[Stack, int]:
    """The slices in order, one at each place, and how many there are at most at one place."""
    direction = direction_of(group[0].technique.ImageOrientationPatient)
    along = np.array([one.technique.ImagePositionPatient for one in group], np.float64) @ direction
    order = np.argsort(along, kind="stable")
    opens = np.diff(along[order], prepend=-np.inf) > SAME_PLACE_MM
    counts = np.bincount(np.cumsum(opens) - 1)
    kept = order[opens]
    stack = Stack(
        slices=tuple(group[index] for index in kept),
        positions_mm=along[kept],
        direction=direction,
        repeated=tuple(group[index] for index in order[~opens]),
    )
    return stack, int(counts.max())
