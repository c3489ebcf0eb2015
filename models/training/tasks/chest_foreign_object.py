"""chest-foreign-object: where objects lie on a chest film that should have been taken off, and medical devices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import Dataset

from models.training.loop import Recipe, run_of
from models.training.manifest import Film, read_manifest
from models.training.nets import Activated, pretrained
from models.training.objects.aside import set_aside
from models.training.report.report import Report
from models.training.split import LEFT_OUT, films_of
from models.training.task import About, Batch, Output, Part, Run, Signature
from models.training.tasks.chest_foreign_object_figures import figures_of, platt
from models.training.tasks.chest_foreign_object_network import ObjectNet
from models.training.tasks.chest_foreign_object_report import report_of
from models.training.tasks.chest_foreign_object_samples import SIDE, Training, Trial, lung_area, trial

PREVALENCE = 0.1
"""Share of films with an object over the lungs that the probabilities speak of (E)."""
EPOCH = 1600
"""Scenes of an epoch."""
RECIPE = Recipe(epochs=25, batch=8, rate=6e-4)
_TUNE_SEED, _TRAIN_SEED = 7, 2026
_LEARNT: tuple[Part, ...] = ("train", "tune")
_DICE = 0.5
_BRIGHT = 3.0
"""Weight of a cell with an object: they are some 2 % of all cells."""
_CHILDREN = 30
"""Children's films in a trial at most: adults are what the figures are about."""


class ChestForeignObject:
    """The task; ``folder`` holds the manifest (handbook, Training)."""

    name = "chest-foreign-object"
    version = "1.2.0"
    signature = Signature(
        SIDE, (Output("objects", ("removable_object", "medical_device"), "probability", spatial=True),)
    )

    def __init__(self, folder: Path, left_out: frozenset[str] = LEFT_OUT) -> None:
        self._folder = folder
        self._left_out = left_out
        self._aside = set_aside()
        self._films: dict[Part, list[Film]] = {}
        self._cache: dict[Path, np.ndarray] = {}
        self._tune: list[Trial] = []

    about = About(
        task="Find objects over the chest that should have been taken off before the exposure",
        description="Two maps of probability over a chest film: objects to remove (buttons, necklaces, underwear, "
        "hair...), and medical devices. Calibrated to films of which one in ten has an object over the lungs.",
        task_zh="找出曝光前应取下的胸部异物",
        description_zh=(
            "胸片上的两张概率图：应取下的物品（纽扣、项链、内衣、头发等）和医疗器械。按每十张有一张肺野"
            "上有异物的比例校准。"
        ),
        intended_use="Hints at the quality of the acquisition of frontal chest radiographs. Not for diagnosis.",
        data_source="Films: NIH ChestX-ray14 (Wang et al. 2017, NIH Clinical Center; attribution), Kermany "
        "et al. 2018 (CC BY 4.0), Hannover Medical School (Winther et al. 2020, CC BY 3.0). Objects: drawn. First "
        "weights: ImageNet (photographs gathered for research; Google's weights under Apache-2.0).",
        references=(
            "Tan, Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
            "Platt 1999, Probabilistic outputs for support vector machines",
        ),
        changelog={
            "1.0.0": "first version: a small feature pyramid from scratch",
            "1.1.0": "begins with weights that know ImageNet",
            "1.2.0": "fitted three times as long",
        },
    )

    def network(self) -> nn.Module:
        return Activated(ObjectNet(2, pretrained()), (torch.sigmoid,))

    def films(self, part: Part) -> list[Film]:
        """Frontal films of a part; those set aside are no negatives and are tested only."""
        if part not in self._films:
            films = films_of(read_manifest(self._folder), part, self._left_out)
            self._films[part] = [
                film
                for film in films
                if film.view != "L"
                and film.body_part == "CHEST"
                and (part == "test" or film.path.name not in self._aside)
            ]
        return self._films[part]

    def dataset(self, part: Part, epoch: int) -> Dataset[dict[str, Tensor]]:
        return Training(self.films(part), EPOCH, _TRAIN_SEED + 1000 * epoch, self._cache)

    def loss(self, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        """Cross entropy where the truth is known, and one minus the Dice of each class over the batch."""
        (logits,), truth, known = outputs, batch["objects"], batch["known"]
        weight = known * (1 + (_BRIGHT - 1) * truth)
        entropy = binary_cross_entropy_with_logits(logits, truth, weight)
        seen = torch.sigmoid(logits) * known
        shared = (seen * truth).sum((0, 2, 3))
        dice = (2 * shared + 1) / ((seen + truth * known).sum((0, 2, 3)) + 1)
        return entropy * 4 + _DICE * (1 - dice.mean())

    def score(self, network: nn.Module) -> float:
        """Mean of image AUC and of the sensitivity at half a false mark per image, on ``tune``; calibrates it.

        Marks are those of the calibrated network: one that finds every place likely has marks that cover the film.
        """
        if not self._tune:
            self._tune = trials(self.films("tune"), strange=False)
        body = cast(ObjectNet, cast(Activated, network).body)
        body.slope[0], body.shift[0] = 1.0, 0.0
        figures = figures_of(run_of(network, self.signature), self._tune)
        body.slope[0], body.shift[0] = platt(figures.logits(True), figures.logits(False), PREVALENCE)
        figures = figures_of(run_of(network, self.signature), self._tune)
        return (figures.auc + figures.sensitivity(0.5)) / 2

    def evaluate(self, run: Run, out: Path) -> Report:
        """Objects of families never trained on, laid into films of the test part and of the sources left out."""
        learnt = {film.path.name for part in _LEARNT for film in self.films(part)}
        # Public collections take films over from each other under the same file name.
        films = [film for film in self.films("test") if film.view and film.path.name not in learnt]
        return report_of(figures_of(run, trials(films, strange=True)).outcomes, self._aside, self._left_out)


def trials(films: Sequence[Film], strange: bool, seed: int = _TUNE_SEED) -> list[Trial]:
    """Each film as it is, and with one or two objects over its lungs."""
    children = [film for film in films if film.age_group == "child"][:_CHILDREN]
    chosen = [film for film in films if film.age_group != "child"] + children
    found: list[Trial] = []
    for number, film in enumerate(chosen):
        lung = lung_area(film)
        found += [trial(film, lung, 0, strange, seed), trial(film, lung, 1 + number % 2, strange, seed)]
    return found


def task(data: Path, left_out: frozenset[str]) -> ChestForeignObject:
    """The task on a folder with ``manifest.csv``."""
    return ChestForeignObject(data, left_out)
