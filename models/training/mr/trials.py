"""Trials: real MR series and the same series made worse in k-space, through the measures that the box runs.

    python -m models.training.mr.trials FOLDER OUT.jsonl

FOLDER has one folder a subject, with its DICOM objects. Each series is degraded whole, with one strength for all
of its slices, ``ROUNDS`` times for each fault. A line is written for each: its numbers, untouched or degraded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from capture.acquisition import Acquisition, Pixels
from capture.arrival import Arrival
from capture.dicom.every_frame import each_frame
from capture.dicom.reader import read
from capture.errors import QcError
from models.baseline import SURE
from models.circumstances import Circumstances
from models.content import drafts
from models.measurement import Measurement, Measurements
from models.mr import network_producers
from models.mr.plane import Axis, Plane, phase_axis, plane_of
from models.mr.series import MrSeries
from models.mr.slices import MrSlice
from models.sets.image_set import Completeness, ImageSet, Series, Slice
from models.sets.producer import SetSubject
from models.sets.record import record_of
from models.training.mr import kspace

Picture = kspace.Picture
Fault = Callable[[Plane, float, np.random.Generator], Picture]
Row = dict[str, Any]
MOST_SLICES = 6
_ENOUGH_FOR_THIRDS = 9
ROUNDS = 3
SEED = 4

FAULTS: dict[str, tuple[Fault, tuple[float, float]]] = {
    # Degrees and, of the field in percent, the shift; 1 to 4 is 1 to 4 degrees and 1 to 4 % (2 to 9 mm).
    "motion": (lambda p, s, r: kspace.moved(p.values, _axis(p), s, s / 100 * p.values.shape[_axis(p)], r), (1, 4)),
    "ghost": (lambda p, s, r: kspace.ghosted(p.values, _axis(p), s, int(r.choice((2, 3, 4))), r), (0.05, 0.2)),
    "spike": (lambda p, s, r: kspace.spiked(p.values, s, r), (0.05, 0.3)),
    "wrap": (lambda p, s, r: kspace.wrapped(p.values, _axis(p), _too_small(p, s), r), (0.1, 0.3)),
    "noise": (lambda p, s, r: kspace.noisy(p.values, s * p.signal, r), (0.1, 0.3)),
}
"""Fault, and its strength from slight to gross, which is drawn evenly."""
READ: dict[str, tuple[str, int]] = {
    "motion": ("mr.motion_score", 1),
    "ghost": ("mr.ghost_percent", 1),
    "spike": ("mr.spike_z", 1),
    "wrap": ("mr.wrap_score", 1),
    "noise": ("mr.snr", -1),
}
"""The fact that must show a fault, and whether it rises or falls."""


def _axis(plane: Plane) -> Axis:
    return plane.phase if plane.phase is not None else 0


def _too_small(plane: Plane, share: float) -> float:
    """How much the field must shrink for ``share`` of the object's length to be outside."""
    axis = _axis(plane)
    length = int(np.count_nonzero(plane.object.any(axis=1 - axis)))
    return float(max(0.0, 1 - length * (1 - share) / plane.values.shape[axis]))


def series_of(folder: Path) -> dict[str, list[Acquisition]]:
    """Frames of each series with pixels, phase axis and a magnitude."""
    found: dict[str, list[Acquisition]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            one = read(path, Arrival(path.name, "", 0, "dicom", "trials", 0))
            frames = [f for f in each_frame(path, one) if isinstance(f.pixels, Pixels)]
        except (QcError, OSError):
            continue
        usable = [f for f in frames if MrSlice().applies(f.exam, f.display)]
        if usable and phase_axis(one.technique.InPlanePhaseEncodingDirection) is not None:
            found.setdefault(
                f"{folder.name}/{len(found)}"
                if one.identity.SeriesInstanceUID is None
                else one.identity.SeriesInstanceUID,
                [],
            ).extend(usable)
    return found


def facts_of(frames: Sequence[Acquisition]) -> dict[str, float]:
    """What the box says of the series and is sure of: of one picture alone it judges no ghost, spike or wrap."""
    slices: list[Slice] = [one for frame in frames for one in record_of([frame], 0, (MrSlice(),))]
    # One object may have given several frames: each counts.
    slices = [replace(one, instance=f"{k}", frame=k) for k, one in enumerate(slices)]
    images = ImageSet("series", (Series("trial", tuple(slices)),), Completeness(True))
    subject = SetSubject(images, Circumstances(received_at=0), Measurements())
    return {
        fact.name: float(fact.value)
        for producer in (MrSeries(), *network_producers(drafts.shipped()))
        for fact in producer.measure(subject)
        if isinstance(fact, Measurement) and isinstance(fact.value, int | float) and fact.confidence >= SURE
    }


def degraded(
    frames: Sequence[Acquisition], fault: str, strength: float, random: np.random.Generator
) -> list[Acquisition]:
    """Every frame with the fault; one that shows no object stays."""
    make = FAULTS[fault][0]
    return remade(frames, lambda plane: make(plane, strength, random))


def remade(frames: Sequence[Acquisition], make: Callable[[Plane], Picture]) -> list[Acquisition]:
    """Every frame with the picture that ``make`` gives for its plane; one that shows no object stays."""
    out = []
    for frame in frames:
        pixels = frame.pixels
        if not isinstance(pixels, Pixels):
            continue
        plane = plane_of(
            pixels.values.copy(), phase_axis(frame.technique.InPlanePhaseEncodingDirection), pixels.spacing_mm
        )
        values = pixels.values if plane is None else make(plane)
        out.append(replace(frame, pixels=replace(pixels, values=values, padding=None)))
    return out


def trials(folder: Path) -> Iterator[Row]:
    """A row for each series untouched, for each interleaved third of it, and for each fault and strength."""
    for subject in sorted(p for p in folder.iterdir() if p.is_dir()):
        for number, frames in enumerate(series_of(subject).values()):
            some = fewer(frames)
            row: Row = {"subject": subject.name, "series": number}
            yield row | {"fault": "", "strength": 0.0, "facts": facts_of(some)}
            for third in thirds(frames):
                yield row | {"fault": "", "strength": 0.0, "facts": facts_of(third)}
            random = np.random.default_rng([SEED, number])
            for fault, (_, (low, high)) in FAULTS.items():
                for strength in random.uniform(low, high, ROUNDS).tolist():
                    worse = degraded(some, fault, strength, random)
                    yield row | {"fault": fault, "strength": strength, "facts": facts_of(worse)}


def thirds(frames: Sequence[Acquisition]) -> list[Sequence[Acquisition]]:
    """A series of nine frames or more as three that are interleaved; none of a shorter one."""
    return [fewer(frames[first::3]) for first in range(3)] if len(frames) >= _ENOUGH_FOR_THIRDS else []


def fewer(frames: Sequence[Acquisition]) -> Sequence[Acquisition]:
    """At most :data:`MOST_SLICES` of them, spread over the series."""
    return frames[:: max(1, len(frames) // MOST_SLICES)][:MOST_SLICES]


def table(rows: Sequence[Row]) -> str:
    """Area under the curve of each fault against all untouched rows: as it is, and less its own series' median."""
    lines = ["fault   fact                absolute   against its own series   n untouched / degraded"]
    for fault, (name, sign) in READ.items():
        absolute: tuple[list[float], list[float]] = ([], [])
        relative: tuple[list[float], list[float]] = ([], [])
        for row in rows:
            value = row["facts"].get(name)
            if row["fault"] not in ("", fault) or value is None:
                continue
            own = [
                one["facts"][name]
                for one in rows
                if not one["fault"] and one["subject"] == row["subject"] and name in one["facts"]
            ]
            at = int(bool(row["fault"]))
            absolute[at].append(sign * value)
            relative[at].append(sign * (value - float(np.median(own or [value]))))
        lines.append(
            f"{fault:7} {name:19} {area(*absolute):8.3f} {area(*relative):15.3f}"
            f"{len(absolute[0]):21} / {len(absolute[1])}"
        )
    return "\n".join(lines)


def area(untouched: Sequence[float], degraded: Sequence[float]) -> float:
    """Probability that a degraded one lies higher, half for a tie (Mann and Whitney)."""
    a, b = np.array(untouched)[:, None], np.array(degraded)[None, :]
    return float(((b > a) + 0.5 * (b == a)).mean()) if a.size and b.size else float("nan")


def main(folder: str, out: str) -> None:
    """Write the rows as they come, and print the table."""
    rows: list[Row] = []
    with Path(out).open("w", encoding="utf-8") as lines:
        for row in trials(Path(folder)):
            rows.append(row)
            lines.write(json.dumps(row) + "\n")
            lines.flush()
    sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
