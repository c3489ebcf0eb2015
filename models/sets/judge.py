"""judge_set(): a set in, measurements and a verdict out. Pure, as judge() is."""

from __future__ import annotations

from dataclasses import replace

from capture.acquisition import Acquisition, Identity, NoPixels
from models.catalogue import catalogue
from models.circumstances import Circumstances
from models.judge import Content, Judgement
from models.measurement import Measured, Measurement, Measurements
from models.producer import measure_all, pending, run_all
from models.rules.evaluate import evaluate
from models.rules.layers import LEVEL
from models.sets.image_set import ImageSet, Slice
from models.sets.producer import SetSubject


def judge_set(images: ImageSet, content: Content, circumstances: Circumstances) -> Judgement:
    """Measure the set, then apply the rules of its level. The same inputs give the same judgement (timings apart).

    The header facts are those of the image in the middle: they decide which packs speak. What is said of pixels
    and of the patient's identity is left to the verdicts of the images.

    Raises:
        ValueError: the set is empty.
    """
    of_one, _ = measure_all(content.producers, middle_of(images), circumstances)
    facts = Measurements(
        [
            *(fact for fact in of_one if _stands_for_the_set(fact)),
            Measurement(LEVEL, images.level, producer="sets/1"),
            *pending(content.set_producers, ("series", "study")),
        ]
    )
    facts, took = run_all(content.set_producers, lambda so_far: SetSubject(images, circumstances, so_far), facts)
    verdict = evaluate(facts, content.rules, took)
    shadow = evaluate(facts, content.trial, {}) if content.trial else None
    return Judgement(facts, verdict, replace(shadow, mode="shadow") if shadow else None)


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


def _stands_for_the_set(fact: Measured) -> bool:
    entry = catalogue().get(fact.name)
    return isinstance(fact, Measurement) and entry is not None and not fact.name.startswith("identity.")
