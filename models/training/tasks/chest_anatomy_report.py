"""The report of chest-anatomy: what it was asked (issue 3), what it does, and where it fails.

Margins and cut-off have a module of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from models.anatomy.both_ways import both_ways
from models.anatomy.canvas import canvas_of
from models.anatomy.structures import ORGANS, SIDE
from models.training.films import read_picture
from models.training.manifest import Film
from models.training.report.plots import agreement_plot, box_plot, scatter_plot
from models.training.report.report import Claim, Estimate, Report, Table, Thumbnail
from models.training.report.statistics import agreement, mean, spearman_of
from models.training.task import Run
from models.training.tasks.chest_anatomy_margins import chest_on
from models.training.tasks.chest_anatomy_overlap import LungOverlap, lung_overlaps, structure_overlaps
from models.training.tasks.chest_anatomy_projections import Projection
from models.training.tasks.chest_anatomy_rotation import tilted_films, turn_of, warped_films

LUNG_BARS = {"adult": 0.95, "child": 0.96}
BONE_BARS = {"clavicle": 0.88, "scapula": 0.85}
ROTATION_BAR, ORDER_BAR = 1.5, 0.9
_SHOWN = 24
_ONE_CT = "One CT: other bodies shaped from the same patient, not other patients. The interval is over bodies."


def lungs(run: Run, films: Sequence[Film], left_out: frozenset[str]) -> Report:
    """Lung overlap by source; a left-out source stands for another hospital."""
    found = list(lung_overlaps(run, films))
    rows, claims = [], []
    for source in sorted({one.film.source for one in found}):
        of_source = [one for one in found if one.film.source == source]
        rows += [_lung_row(f"{source}, all masks", of_source)]
        rows += [
            _lung_row(f"{source}, tier {t}", [o for o in of_source if o.film.tier == t]) for t in ("open", "nc")
        ]
        rows += [_lung_row(f"{source}, masks without unknown parts", [o for o in of_source if not o.marked])]
        group = "adult" if source in left_out else "child"
        note = "left-out source" if source in left_out else "same source as the training, other patients"
        claims.append(
            Claim(f"lung Dice, {source}", _mean(of_source, lambda o: o.both), LUNG_BARS[group], note=note)
        )
    columns = ("films", "both lungs", "image left", "image right", "less the heart", "worst tenth below")
    table = Table("Lung Dice", columns, tuple(row for row in rows if row))
    boxes = {s: [o.both for o in found if o.film.source == s] for s in sorted({o.film.source for o in found})}
    gallery = tuple(_thumbnail(run, one) for one in sorted(found, key=lambda o: o.both)[:_SHOWN])
    figures = (box_plot("Lung Dice by source", boxes, "Dice"),) if found else ()
    return Report("Lungs", tuple(claims), (table,), figures, gallery)


def _lung_row(name: str, found: Sequence[LungOverlap]) -> tuple[str | Estimate | float, ...]:
    if not found:
        return ()
    parts: tuple[Callable[[LungOverlap], float], ...] = (
        lambda o: o.both,
        lambda o: o.image_left,
        lambda o: o.image_right,
        lambda o: o.without_heart,
    )
    worst = float(np.quantile([one.both for one in found], 0.1))
    return (name, *(_mean(found, part) for part in parts), round(worst, 3))


def _mean(found: Sequence[LungOverlap], part: Callable[[LungOverlap], float]) -> Estimate:
    return mean([part(one) for one in found], [one.film.patient for one in found])


def _thumbnail(run: Run, one: LungOverlap) -> Thumbnail:
    canvas = canvas_of(read_picture(one.film.path, 512), SIDE)
    found = both_ways(run, canvas).mean
    grey = (canvas.image * 255).astype(np.uint8)
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    for organ in found.organs.values():
        outlines, _ = cv2.findContours(organ.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, (255, 220, 0), 1)
    return Thumbnail(picture, f"{one.film.source} Dice {one.both:.3f}")


def bones(run: Run, known: Sequence[Projection]) -> Report:
    """Structures on projections that were not trained on, of the one CT that all projections come from."""
    found = structure_overlaps(run, [projection.plate for projection in known])
    names = [projection.body for projection in known]
    rows = tuple((name, mean(found[name], names)) for name in ORGANS)
    claims = []
    for kind, bar in BONE_BARS.items():
        of = [name for name in ORGANS if name.startswith(kind)]
        sides = mean([value for name in of for value in found[name]], names * len(of))
        claims.append(Claim(f"{kind} Dice, projections", sides, bar, note=_ONE_CT))
    return Report(
        "Projections", tuple(claims), (Table("Dice on projections", ("structure", "Dice"), rows, _ONE_CT),)
    )


def rotation(run: Run, known: Sequence[Projection], films: Sequence[Film]) -> Report:
    """Degrees against projections of known angle, and order against warps of real films; tilt of real films."""
    turned = [(projection, turn_of(chest_on(run, projection.plate.values))) for projection in known]
    measured, true = [found for _, found in turned], [projection.yaw_deg for projection, _ in turned]
    bodies = [projection.body for projection, _ in turned]
    close = agreement(measured, true, bodies)
    warped = [turn for turn in warped_films(run, films) if math.isfinite(turn.measured)]
    order = spearman_of([t.measured for t in warped], [t.true for t in warped], [t.patient for t in warped])
    leant = [tilt for tilt in tilted_films(run, films) if math.isfinite(tilt.measured)]
    tilt = agreement([t.measured for t in leant], [t.true for t in leant], [t.patient for t in leant])
    abstained = sum(not math.isfinite(found) for found in measured)
    note = f"Not measured on {abstained} of {len(measured)} projections. {_ONE_CT}"
    rows = tuple(
        (name, found.error, found.bias, f"{found.lower:.1f} to {found.upper:.1f}")
        for name, found in (("projections", close), ("tilt: real films turned in their plane", tilt))
    )
    return Report(
        "Rotation",
        (
            Claim("rotation error, projections", close.error, ROTATION_BAR, "<=", "deg", note),
            Claim(
                "rotation order, warped real films (Spearman)", order, ORDER_BAR, note="against itself unwarped"
            ),
        ),
        (Table("Rotation, degrees", ("films", "error", "bias", "95 % of errors"), rows, note),),
        (
            agreement_plot("Rotation on projections", measured, true, close, "deg"),
            scatter_plot(
                "Rotation on warped films",
                [t.true for t in warped],
                [t.measured for t in warped],
                ("warp, degrees", "measured change, degrees"),
            ),
        ),
    )


def joined(title: str, parts: Sequence[Report], notes: tuple[str, ...]) -> Report:
    """One report of several."""
    notes += tuple(note for part in parts for note in part.notes)
    return Report(
        title,
        tuple(claim for part in parts for claim in part.claims),
        tuple(table for part in parts for table in part.tables),
        tuple(figure for part in parts for figure in part.figures),
        tuple(thumbnail for part in parts for thumbnail in part.gallery),
        notes,
    )
