"""judge(): an acquisition in, measurements and a verdict out. Pure: no clock, no network, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from capture.acquisition import Acquisition
from models.bundles.library import Library
from models.circumstances import Circumstances
from models.content.overrides import LeftOut
from models.measurement import Measured, Measurement, Measurements, Reason
from models.producer import MeasurementProducer, measure_again, measure_all
from models.rules.evaluate import evaluate
from models.rules.pack import RuleSet
from models.rules.verdict import BundleUsed, Severity, Verdict
from models.screen import HARDEST, limited
from models.sets.producer import SetProducer


@dataclass(frozen=True, slots=True)
class Content:
    """What judges: the producers of this release, the rule packs in force, and the networks.

    :func:`models.content.load.content_of` makes it.
    """

    producers: tuple[MeasurementProducer, ...]
    rules: RuleSet
    bundles: Library = field(default_factory=Library)
    trial: Content | None = None
    """Whole content that judges in the shadow; None: nothing is on trial."""
    set_producers: tuple[SetProducer, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """Changes of the site's own that the packs in force do not allow."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that comes out of judging one acquisition."""

    measurements: Measurements
    verdict: Verdict
    shadow: Verdict | None = None
    """What the content on trial would have made of it; nobody is shown it."""


def judge(acquisition: Acquisition, content: Content, circumstances: Circumstances) -> Judgement:
    """Measure, then apply the rules. The same inputs give the same judgement (timings apart).

    The trial is judged on the same measurements, but for those of producers of its own.
    """
    measured, took = measure_all(content.producers, acquisition, circumstances)
    measurements, verdict = _judged(measured, took, acquisition, content)
    if content.trial is None:
        return Judgement(measurements, verdict)
    if content.trial.producers is not content.producers:
        producers = content.trial.producers
        measured = measure_again(producers, content.producers, measured, acquisition, circumstances)
    _, shadow = _judged(measured, {}, acquisition, content.trial)
    return Judgement(measurements, verdict, replace(shadow, mode="shadow"))


def _judged(
    measured: Measurements, took: Mapping[str, float], acquisition: Acquisition, content: Content
) -> tuple[Measurements, Verdict]:
    measurements = limited(measured, acquisition)
    hardest = HARDEST if acquisition.medium == "screen" else Severity.VETO
    verdict = evaluate(measurements, content.rules, took, hardest)
    return measurements, replace(verdict, bundles=behind(measurements, content))


def behind(measurements: Measurements, content: Content) -> tuple[BundleUsed, ...]:
    """The networks that said something of this image or set, if only that it is unlike what they learnt from."""
    used = {
        entry.needs_model
        for entry in content.rules.names.values()
        if entry.needs_model and _has_spoken(measurements.get(entry.name))
    }
    return tuple(bundle.fingerprint for bundle in content.bundles if bundle.name in used)


def _has_spoken(fact: Measured) -> bool:
    return isinstance(fact, Measurement) or fact.reason is Reason.UNLIKE_TRAINING
