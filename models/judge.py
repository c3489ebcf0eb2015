"""judge(): an acquisition in, measurements and a verdict out. Pure: no clock, no network, no database."""

from __future__ import annotations

from dataclasses import dataclass

from capture.acquisition import Acquisition
from models.circumstances import Circumstances
from models.measurement import Measurements
from models.producer import MeasurementProducer, measure_all
from models.rules.evaluate import evaluate
from models.rules.pack import RuleSet
from models.rules.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Content:
    """What judges: the producers of this release and the active rule packs."""

    producers: tuple[MeasurementProducer, ...]
    rules: RuleSet


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that comes out of judging one acquisition."""

    measurements: Measurements
    verdict: Verdict


def judge(acquisition: Acquisition, content: Content, circumstances: Circumstances) -> Judgement:
    """Measure, then apply the rules. The same inputs give the same judgement (timings apart)."""
    measurements, took = measure_all(content.producers, acquisition, circumstances)
    return Judgement(measurements, evaluate(measurements, content.rules, took))
