"""judge_set(): a set in, measurements and a verdict out. Pure, as judge() is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from capture.acquisition import Acquisition, Identity, NoPixels
from models.catalogue import Level, catalogue
from models.circumstances import Circumstances
from models.judge import Content, Judgement, behind
from models.measurement import Measured, Measurement, Measurements, Reason
from models.producer import MeasurementProducer, changed, measure_all, pending, run_all
from models.rules.evaluate import evaluate
from models.rules.layers import LEVEL
from models.rules.verdict import Verdict
from models.sets.image_set import ImageSet, Slice
from models.sets.producer import SetProducer, SetSubject

_LEVELS: tuple[Level, ...] = ("series", "study")


def judge_set(images: ImageSet, content: Content, circumstances: Circumstances) -> Judgement:
    """Measure the set, then apply the rules of its level. The same inputs give the same judgement (timings apart).

    The header facts are those of the image in the middle: they decide which packs speak. What is said of pixels
    and of the patient's identity is left to the verdicts of the images. The trial is judged on the same facts,
    unless it has networks of its own.

    Raises:
        ValueError: the set is empty.
    """
    facts, took = measure_set(images, content.producers, content.set_producers, circumstances)
    verdict = _judged(facts, took, content)
    if content.trial is None:
        return Judgement(facts, verdict)
    shadow = _judged(_again(facts, images, content.trial, content, circumstances), {}, content.trial)
    return Judgement(facts, verdict, replace(shadow, mode="shadow"))


def _again(
    facts: Measurements, images: ImageSet, trial: Content, before: Content, circumstances: Circumstances
) -> Measurements:
    """The facts as the trial's own networks would have them."""
    again, kept = changed(trial.set_producers, before.set_producers)
    gone = frozenset[str]().union(*(producer.provides for producer in before.set_producers)) - kept
    start = Measurements(
        [*pending(trial.set_producers, _LEVELS), *(fact for fact in facts if fact.name not in gone)]
    )
    return run_all(again, lambda so_far: SetSubject(images, circumstances, so_far), start)[0]


def _judged(facts: Measurements, took: Mapping[str, float], content: Content) -> Verdict:
    return replace(evaluate(facts, content.rules, took), bundles=behind(facts, content))


def measure_set(
    images: ImageSet,
    producers: Sequence[MeasurementProducer],
    set_producers: Sequence[SetProducer],
    circumstances: Circumstances,
) -> tuple[Measurements, dict[str, float]]:
    """Every fact of a set, and the milliseconds that each of its producers took. Raises as :func:`judge_set`."""
    of_one, _ = measure_all(producers, middle_of(images), circumstances)
    facts = Measurements(
        [
            *(fact for fact in of_one if _stands_for_the_set(fact)),
            Measurement(LEVEL, images.level, producer="sets/1"),
            *pending(set_producers, _LEVELS),
        ]
    )
    return run_all(set_producers, lambda so_far: SetSubject(images, circumstances, so_far), facts)


def middle_of(images: ImageSet) -> Acquisition:
    """The image in the middle, without pixels and identity. Raises ValueError: the set is empty."""
    slices = images.slices
    if not slices:
        raise ValueError("a set without images")
    middle: Slice = slices[len(slices) // 2]
    return Acquisition(
        arrival_id=middle.arrival_id,
        identity=Identity(),
        exam=middle.exam,
        technique=middle.technique,
        device=middle.device,
        display=middle.display,
        pixels=NoPixels("too_large", "judged image by image"),
        faults=middle.faults,
    )


_UNSAID = frozenset((Reason.NOT_IN_HEADER, Reason.INVALID_IN_HEADER))


def _stands_for_the_set(fact: Measured) -> bool:
    """What the header says, and what it does not say; why pixels were not measured is said of the images."""
    if fact.name not in catalogue() or fact.name.startswith("identity."):
        return False
    return isinstance(fact, Measurement) or fact.reason in _UNSAID
