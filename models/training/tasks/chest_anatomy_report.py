"""The report of chest-anatomy: what it was asked (issue 3), what it does, and where it fails."""

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
from models.training.report.plots import agreement_plot, box_plot, roc_plot, scatter_plot
from models.training.report.report import Claim, Estimate, Report, Table, Thumbnail
from models.training.report.statistics import agreement, auc_of, mean, spearman_of
from models.training.task import Run
from models.training.tasks.chest_anatomy_margins import Trial, chest_on, trials
from models.training.tasks.chest_anatomy_overlap import LungOverlap, lung_overlaps, structure_overlaps
from models.training.tasks.chest_anatomy_projections import Projection
from models.training.tasks.chest_anatomy_rotation import turn_of, warped_films

LUNG_BARS = {"adult": 0.95, "child": 0.96}
BONE_BARS = {"clavicle": 0.88, "scapula": 0.85}
MARGIN_BAR, FOUND_BAR = 1.2, 0.95
ROTATION_BAR, ORDER_BAR = 1.5, 0.9
_SHOWN = 24
_TRIED = 120
"""Films of one source, about, whose field is closed."""
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


def margins(run: Run, films: Sequence[Film]) -> Report:
    """Margin error, and cut-off found as the box finds it."""
    found = list(trials(run, _some(films)))
    if not any(_told(trial) for trial in found):
        return Report("Margins", notes=("Margins: no film on which both lungs are found.",))
    sides = ("top", "bottom", "left", "right")
    groups = {source: [t for t in found if t.source == source] for source in sorted({t.source for t in found})}
    rows = [_margin_row(source, of) for source, of in groups.items()]
    rows += [_margin_row(f"{side} side", [t for t in found if t.side == side]) for side in sides]
    note = (
        "Cut off: what the box says, its limit chosen on tune. Lengths in percent of the film's width: the films "
        "have no spacing. Negatives: complete lungs, 1 % or more left free, or untouched. AUC: the network's word."
    )
    columns = ("trials", "error, % of width", "bias", "sensitivity", "specificity", "AUC", "not measured")
    claims = [
        claim for source, of in groups.items() for claim in _margin_claims(source, [t for t in of if _told(t)])
    ]
    known = [t for t in found if _told(t) and math.isfinite(t.true)]
    measured, true = [t.measured for t in known], [t.true for t in known]
    told = [t for t in found if _told(t)]
    figures = (
        agreement_plot(
            "Margin", measured, true, agreement(measured, true, [t.patient for t in known]), "% of width"
        ),
        roc_plot("Lung cut off", {"all": ([t.cut for t in told], [t.lost > 0 for t in told])}),
    )
    return Report("Margins", tuple(claims), (Table("Margin and cut-off", columns, tuple(rows), note),), figures)


def _some(films: Sequence[Film]) -> list[Film]:
    """A share of every source, spread evenly: every trial is a film read anew."""
    by_source: dict[str, list[Film]] = {}
    for film in films:
        if film.lungs is not None:
            by_source.setdefault(film.source, []).append(film)
    return [film for of in by_source.values() for film in of[:: max(1, len(of) // _TRIED)]]


def _told(trial: Trial) -> bool:
    return math.isfinite(trial.measured)


def _margin_row(name: str, found: Sequence[Trial]) -> tuple[str | Estimate | float, ...]:
    told = [trial for trial in found if _told(trial)]
    known = [trial for trial in told if math.isfinite(trial.true)]
    close = agreement([t.measured for t in known], [t.true for t in known], [t.patient for t in known])
    sensitivity, specificity = _rates(told)
    curve = auc_of([t.cut for t in told], [t.lost > 0 for t in told], [t.patient for t in told])
    return name, close.error, close.bias, sensitivity, specificity, curve, f"{len(found) - len(told)}/{len(found)}"


def _rates(told: Sequence[Trial]) -> tuple[Estimate, Estimate]:
    lost, kept = [t for t in told if t.lost > 0], [t for t in told if t.lost == 0]
    return (
        mean([t.measured == 0 for t in lost], [t.patient for t in lost]),
        mean([t.measured > 0 for t in kept], [t.patient for t in kept]),
    )


def _margin_claims(source: str, told: Sequence[Trial]) -> list[Claim]:
    known = [t for t in told if math.isfinite(t.true)]
    close = agreement([t.measured for t in known], [t.true for t in known], [t.patient for t in known])
    sensitivity, specificity = _rates(told)
    return [
        Claim(f"margin error, {source}", close.error, MARGIN_BAR, "<=", "% of width"),
        Claim(f"cut-off found, {source}", sensitivity, FOUND_BAR),
        Claim(f"complete films passed, {source}", specificity, FOUND_BAR),
    ]


def rotation(run: Run, known: Sequence[Projection], films: Sequence[Film]) -> Report:
    """Degrees against projections of known angle, and order against warps of real films."""
    turned = [(projection, turn_of(chest_on(run, projection.plate.values))) for projection in known]
    measured, true = [found for _, found in turned], [projection.yaw_deg for projection, _ in turned]
    bodies = [projection.body for projection, _ in turned]
    close = agreement(measured, true, bodies)
    warped = [turn for turn in warped_films(run, films) if math.isfinite(turn.measured)]
    order = spearman_of([t.measured for t in warped], [t.true for t in warped], [t.patient for t in warped])
    abstained = sum(not math.isfinite(found) for found in measured)
    note = f"Not measured on {abstained} of {len(measured)} projections. {_ONE_CT}"
    limits = f"{close.lower:.1f} to {close.upper:.1f}"
    row = ("projections", close.error, close.bias, limits)
    return Report(
        "Rotation",
        (
            Claim("rotation error, projections", close.error, ROTATION_BAR, "<=", "deg", note),
            Claim(
                "rotation order, warped real films (Spearman)", order, ORDER_BAR, note="against itself unwarped"
            ),
        ),
        (Table("Rotation, degrees", ("films", "error", "bias", "95 % of errors"), (row,), note),),
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
