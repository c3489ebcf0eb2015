"""How well the classical metrics of :mod:`models.image` see faults of known size, on films kept back for testing;
and burnt out lungs, in the outlines that the shipped chest-anatomy finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.anatomy import lung_greys
from models.anatomy.both_ways import both_ways
from models.anatomy.chest import chest_of, none_of
from models.anatomy.film import BUNDLE
from models.anatomy.radiograph import canvas_of_radiograph
from models.anatomy.structures import SIDE
from models.content import drafts
from models.image import artefact, clipping, motion, noise
from models.image.metric import Radiograph
from models.image.picture import Picture
from models.measurement import Measured, Measurements, Reason
from models.reporting import Missing
from models.training.degradations import jpeg, low_resolution, motion_fit, quantise
from models.training.degradations.samples import (
    BURNT_OUT,
    FAULTS,
    Fault,
    Simulator,
    burnt_out,
    read_film,
    sample_of,
)
from models.training.films import read_mask
from models.training.manifest import Film, read_manifest
from models.training.received import radiograph_of
from models.training.report.report import Cell, Claim, Estimate, Report, Table
from models.training.report.statistics import auc, auc_of, mean, spearman, spearman_of, threshold_for
from models.training.split import films_of

_QUICK = 4
LEVELS = (0.2, 0.5, 0.7, 0.9)
SIMULATORS: tuple[Simulator, ...] = ("first", "second")
NUISANCES: dict[str, Callable[[Picture], Picture]] = {
    "as it is": quantise,
    "JPEG 90": lambda film: jpeg(film, 90),
    "JPEG 60": lambda film: jpeg(film, 60),
    "resolution / 1.3": lambda film: low_resolution(film, 1.3),
    "resolution / 1.6": lambda film: low_resolution(film, 1.6),
}
_LUNG = 255
"""Of a mask (:mod:`models.training.films`)."""
_ANY_LUNGS = burnt_out(np.ones((1, 1), np.bool_))
"""As every film's: with lungs of its own for each."""
BAR_AUC, BAR_RHO, BAR_FALSE = 0.95, 0.9, 0.01
"""Issue 3; the false alarms are the site's alert budget for one fact."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a metric said of one sample: ``score`` whether there is a fault, ``size`` how much; or nan."""

    source: str
    group: str
    fault: str
    level: float
    score: float
    size: float


def evaluate(data: Path, most: int = 15) -> Report:
    """Thresholds come from ``tune``, everything that is reported from ``test``.

    Args:
        data: folder with a manifest.
        most: films per source; four times as many for motion, which is quick.

    Raises:
        capture.errors.Misuse: the folder's manifest cannot be read.
    """
    films = read_manifest(data)
    test, tune = (_frontal(films_of(films, part), _QUICK * most) for part in ("test", "tune"))
    few = _frontal(films_of(films, "test"), most)
    outlined = _frontal([film for film in films_of(films, "test") if film.lungs], most)
    threshold = _threshold(tune)
    claims: list[Claim] = []
    rows: list[tuple[Cell, ...]] = []
    for simulator in SIMULATORS:
        for fault in (*FAULTS, _ANY_LUNGS):
            kept = {"motion": test, BURNT_OUT: outlined}.get(fault.name, few)
            if kept:
                found, row = _judged(fault, simulator, _seen(kept, fault, simulator))
                claims += found
                rows.append(row)
    false, table = _invariance(test, threshold)
    claims.append(false)
    return Report(
        "Degradations: the classical metrics",
        claims=tuple(claims),
        tables=(
            Table(
                "Faults of known size",
                (
                    "simulator",
                    "fault",
                    "visible from",
                    "AUC visible",
                    "AUC of the rest",
                    "Spearman",
                    "AUC by source",
                    "Spearman by source",
                ),
                tuple(rows),
                "Films of 8 bits and 512 pixels that a device has already processed: upper bounds.",
            ),
            table,
        ),
        notes=(f"Threshold of image.motion_blur_probability for {BAR_FALSE:.0%} of tune: {threshold:.3f}",),
    )


def _frontal(films: Sequence[Film], most: int) -> list[Film]:
    kept: dict[str, list[Film]] = {}
    for film in sorted(films, key=lambda one: one.path.name):
        if film.view != "L" and len(kept.setdefault(film.source, [])) < most:
            kept[film.source].append(film)
    return [film for group in kept.values() for film in group]


def _seen(films: Sequence[Film], fault: Fault, simulator: Simulator) -> list[Seen]:
    return [one for film in films for one in _said_of_film(film, fault, simulator)]


def _said_of_film(film: Film, fault: Fault, simulator: Simulator) -> Iterator[Seen]:
    picture = read_film(film.path)
    if fault.name == BURNT_OUT and film.lungs:
        fault = burnt_out(read_mask(film.lungs, (picture.shape[1], picture.shape[0])) == _LUNG)
    for number, level in enumerate((0.0, 0.0, *LEVELS)):
        given = fault if level else None
        made = sample_of(picture, given, level, f"{film.path.name}/{fault.name}/{number}", simulator)
        yield Seen(film.source, film.group, fault.name, level, *said_of(fault.name, made.film))


def said_of(fault: str, film: Picture) -> tuple[float, float]:
    """What the product's metrics for this fault say of a film: whether, and how much; or nan."""
    nothing = float("nan"), float("nan")
    if fault == "motion":
        found = motion.features(film)
        blur = None if found is None else motion.judged(found)
        return nothing if blur is None else (blur.probability, blur.level)
    radiograph = _of_eight_bits(radiograph_of(film))
    if fault == "noise":
        blocks = noise.body_blocks(radiograph)
        return nothing if blocks is None else (_noise(blocks), _noise(blocks))
    look, name, size = _FACTS[fault]
    facts = Measurements(look(radiograph))
    value = facts.number(name)
    return nothing if value is None else (value, facts.number(size) or 0.0)


def _lungs(radiograph: Radiograph) -> Iterable[Measured]:
    """The gate apart, as the box measures it."""
    network, canvas = drafts.shipped().get(BUNDLE), canvas_of_radiograph(radiograph, SIDE)
    if network is None:
        return none_of(lung_greys.NAMES, Missing(Reason.NO_MODEL, BUNDLE))
    found = both_ways(lambda batch: network.run({"image": batch}), canvas)
    return lung_greys.look(radiograph, chest_of(radiograph, found.mean))


def _noise(blocks: Picture) -> float:
    return noise.two_scale_sigma(noise.haar_sigma(blocks, 0), noise.coarse_sigma(blocks, 0))


def _of_eight_bits(radiograph: Radiograph) -> Radiograph:
    acquisition = radiograph.acquisition
    display = replace(acquisition.display, BitsStored=8)
    return replace(radiograph, acquisition=replace(acquisition, display=display))


_FACTS: dict[str, tuple[Callable[[Radiograph], Iterable[Measured]], str, str]] = {
    "dark_clipping": (clipping.look, "clipping.dark_percent", "clipping.dark_percent"),
    "bright_clipping": (clipping.look, "clipping.bright_percent", "clipping.bright_percent"),
    BURNT_OUT: (_lungs, "lungs.burnt_out_percent", "lungs.burnt_out_percent"),
    "grid_lines": (artefact.look, "artefact.grid_peak_ratio", "artefact.grid_depth_percent"),
}


def _judged(fault: Fault, simulator: Simulator, seen: Sequence[Seen]) -> tuple[list[Claim], tuple[Cell, ...]]:
    visible = [one for one in seen if not one.level or one.level >= fault.visible_level]
    faint = [one for one in seen if not one.level or one.level < fault.visible_level]
    told, least = _auc(visible), _auc(faint)
    graded = [one for one in seen if one.level and np.isfinite(one.score)]
    rho = spearman_of([one.size for one in graded], [one.level for one in graded], [one.group for one in graded])
    what = f"{fault.name}, {simulator} simulator"
    claims = [
        Claim(f"AUC, visible {what}", told, BAR_AUC),
        Claim(f"Spearman with level, {what}", rho, BAR_RHO),
    ]
    each = _by_source(visible, _plain), _by_source(graded, _order)
    return claims, (simulator, fault.name, f"{fault.visible} {fault.unit}", told, least, rho, *each)


def _auc(seen: Sequence[Seen]) -> Estimate:
    told = [one for one in seen if np.isfinite(one.score)]
    return auc_of([one.score for one in told], [one.level > 0 for one in told], [one.group for one in told])


def _by_source(seen: Sequence[Seen], figure: Callable[[Sequence[Seen]], float]) -> str:
    sources = sorted({one.source for one in seen})
    return ", ".join(f"{name} {figure([one for one in seen if one.source == name]):.3f}" for name in sources)


def _plain(seen: Sequence[Seen]) -> float:
    told = [one for one in seen if np.isfinite(one.score)]
    return auc([one.score for one in told], [one.level > 0 for one in told])


def _order(graded: Sequence[Seen]) -> float:
    return spearman([one.size for one in graded], [one.level for one in graded])


def _threshold(films: Sequence[Film]) -> float:
    drawn = list(motion_fit.draw(films, "first", len(films), levels=(0.7,)))
    scores = [motion.judged(one.features).probability for one in drawn]
    return threshold_for(scores, [one.kind == "motion" for one in drawn], 1 - BAR_FALSE)


def _invariance(films: Sequence[Film], threshold: float) -> tuple[Claim, Table]:
    """Good films on their way through what must not matter: how many are called moved."""
    alarms: dict[str, list[bool]] = {}
    groups: list[str] = []
    for film in films:
        picture = read_film(film.path)
        found = {name: motion.features(change(picture)) for name, change in NUISANCES.items()}
        if any(one is None for one in found.values()):
            continue
        groups.append(film.group)
        for name, one in found.items():
            alarms.setdefault(name, []).append(one is not None and motion.judged(one).probability >= threshold)
    rates = {name: mean(hits, groups) for name, hits in alarms.items()}
    table = Table("Good films called moved", ("nuisance", "share"), tuple(rates.items()))
    return Claim("good films called moved, as they are", rates["as it is"], BAR_FALSE, "<="), table
