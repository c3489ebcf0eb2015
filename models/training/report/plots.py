"""Plots of an evaluation as SVG, in the colours that the colour-blind can tell apart (Okabe and Ito 2008)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from numpy.typing import ArrayLike

from models.training.report.report import Figure
from models.training.report.statistics import Agreement, auc, calibration, roc

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_SIZE = (4.2, 3.6)


def roc_plot(title: str, curves: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """One ROC curve per name: (scores, truth)."""
    drawing, axes = _axes("false positive rate", "sensitivity")
    axes.plot((0, 1), (0, 1), ":", color="grey", lw=1)
    for (name, (scores, truth)), colour in zip(curves.items(), _colours(len(curves)), strict=True):
        false, true, _ = roc(scores, truth)
        axes.plot(false, true, color=colour, label=f"{name} (AUC {auc(scores, truth):.3f})")
    axes.legend(loc="lower right", fontsize=7)
    return _figure(title, drawing)


def reliability_plot(title: str, answers: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """One curve per name: (confidence, correct)."""
    drawing, axes = _axes("confidence", "share correct")
    axes.plot((0, 1), (0, 1), ":", color="grey", lw=1)
    for (name, (confidence, correct)), colour in zip(answers.items(), _colours(len(answers)), strict=True):
        bins = calibration(confidence, correct)
        axes.plot(bins.confidence, bins.accuracy, "o-", color=colour, ms=3, label=name)
    axes.legend(loc="upper left", fontsize=7)
    return _figure(title, drawing)


def agreement_plot(title: str, measured: ArrayLike, true: ArrayLike, found: Agreement, unit: str) -> Figure:
    """Bland and Altman's plot, the known truth in place of the mean of two measures."""
    drawing, axes = _axes(f"true [{unit}]", f"measured - true [{unit}]")
    axes.scatter(np.asarray(true), np.asarray(measured) - np.asarray(true), s=6, color=COLOURS[0], alpha=0.5, lw=0)
    for height, style in ((found.bias.value, "-"), (found.lower, "--"), (found.upper, "--")):
        axes.axhline(height, color=COLOURS[1], ls=style, lw=1)
    return _figure(title, drawing)


def scatter_plot(title: str, x: ArrayLike, y: ArrayLike, names: tuple[str, str]) -> Figure:
    """Points, for a monotone relation."""
    drawing, axes = _axes(*names)
    axes.scatter(np.asarray(x), np.asarray(y), s=6, color=COLOURS[0], alpha=0.5, lw=0)
    return _figure(title, drawing)


def line_plot(title: str, lines: Mapping[str, tuple[ArrayLike, ArrayLike]], names: tuple[str, str]) -> Figure:
    """Curves: (x, y) by name; learning curves, FROC."""
    drawing, axes = _axes(*names)
    for (name, (x, y)), colour in zip(lines.items(), _colours(len(lines)), strict=True):
        axes.plot(np.asarray(x), np.asarray(y), color=colour, label=name)
    axes.legend(fontsize=7)
    return _figure(title, drawing)


def box_plot(title: str, groups: Mapping[str, ArrayLike], name: str) -> Figure:
    """One box per group, in order: Dice per source, score per level."""
    drawing, axes = _axes("", name)
    axes.boxplot([np.asarray(values) for values in groups.values()], showfliers=True, flierprops={"ms": 2})
    axes.set_xticks(range(1, len(groups) + 1), list(groups), rotation=30, ha="right", fontsize=7)
    return _figure(title, drawing)


def _axes(across: str, up: str) -> tuple[Drawing, Axes]:
    drawing = Drawing(figsize=_SIZE, layout="constrained")
    axes = drawing.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.2)
    return drawing, axes


def _colours(count: int) -> Sequence[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _figure(title: str, drawing: Drawing) -> Figure:
    stream = io.StringIO()
    # With a fixed salt and no date the same numbers give the same file, byte for byte.
    with matplotlib.rc_context({"svg.hashsalt": "qcbox", "svg.fonttype": "none"}):
        drawing.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return Figure(title, text[text.index("<svg") :])
