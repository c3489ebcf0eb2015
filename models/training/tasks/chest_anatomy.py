"""chest-anatomy: lungs, bones and heart of a frontal chest radiograph, and the points of its rotation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset

from models.anatomy.structures import CUTS, ORGANS, POINTS, SIDE
from models.training.loop import Recipe
from models.training.manifest import read_manifest
from models.training.nets import Activated
from models.training.report.report import Report
from models.training.split import LEFT_OUT, films_of
from models.training.task import Batch, Output, Part, Run, Signature
from models.training.tasks import chest_anatomy_report as report
from models.training.tasks.chest_anatomy_about import ABOUT
from models.training.tasks.chest_anatomy_cut_report import margins
from models.training.tasks.chest_anatomy_loss import dice_of, loss_of, right_of
from models.training.tasks.chest_anatomy_marks import NAME as MARKS
from models.training.tasks.chest_anatomy_marks import marked_plates
from models.training.tasks.chest_anatomy_network import AnatomyNetwork
from models.training.tasks.chest_anatomy_projections import FOLDER as PROJECTIONS
from models.training.tasks.chest_anatomy_projections import TURNED, projections
from models.training.tasks.chest_anatomy_samples import AsTheyAre, Draws, Source, lung_plates
from models.training.tasks.chest_anatomy_taught import FOLDER as TAUGHT
from models.training.tasks.chest_anatomy_taught import taught_plates

PER_EPOCH = 1600
_TUNE = 120
_WARPED = 40
"""Adult films that rotation is tried on, seven angles each."""
_SEED = 3
RECIPE = Recipe(epochs=24, batch=8, rate=8e-4)


class ChestAnatomy:
    """The task on a folder with a manifest."""

    name = "chest-anatomy"
    version = "1.2.0"
    about = ABOUT
    signature = Signature(
        SIDE,
        (
            Output("structures", ORGANS, "probability", spatial=True),
            Output("points", POINTS, "probability", spatial=True),
            Output("cut", CUTS, "probability", spatial=False),
        ),
    )

    def __init__(self, folder: Path, left_out: frozenset[str] = LEFT_OUT, start: Path | None = None) -> None:
        """``start``: weights to begin with."""
        self._folder = folder
        self._left_out = left_out
        self._start = start
        self._sources: dict[Part, list[Source]] = {}

    def network(self) -> nn.Module:
        network = Activated(AnatomyNetwork(start=self._start is None), (torch.sigmoid,) * 3)
        if self._start is not None:
            network.load_state_dict(torch.load(self._start, map_location="cpu", weights_only=True))
        return network

    def sources(self, part: Part) -> list[Source]:
        """What there is to learn from, or to be judged by; read once."""
        if part not in self._sources:
            films = films_of(read_manifest(self._folder), part, self._left_out)
            simulated = projections(self._folder / PROJECTIONS, part)
            self._sources[part] = [
                Source("masks", lung_plates(films), 1.0),
                Source("marks", marked_plates(self._folder / MARKS, films), 0.5),
                Source("projections", [projection.plate for projection in simulated], 1.2),
            ]
            if part == "train":
                self._sources[part].append(Source("taught", taught_plates(self._folder / TAUGHT, films), 1.0))
        return self._sources[part]

    def dataset(self, part: Part, epoch: int) -> Dataset[dict[str, Tensor]]:
        if part == "train":
            return Draws(self.sources(part), PER_EPOCH, (_SEED, epoch))
        kept = [plate for source in self.sources(part) for plate in source.plates]
        if part == "tune":
            return ConcatDataset([AsTheyAre(kept), Draws(self.sources(part), _TUNE, (_SEED,))])
        return AsTheyAre(kept)

    def loss(self, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        return loss_of(outputs, batch)

    def score(self, network: nn.Module) -> float:
        """Mean Dice over the channels and the share of sides told cut or not, films as they are and varied."""
        found = []
        for batch in DataLoader(self.dataset("tune", 0), 8):
            outputs = network(batch["image"])
            found.append(torch.cat((dice_of(outputs, batch), right_of(outputs, batch)), dim=1))
        return float(torch.cat(found).nanmean(0).nanmean())

    def evaluate(self, run: Run, out: Path) -> Report:
        """Through the measures that ship; rotation is warped on adult films of ``test``."""
        films = films_of(read_manifest(self._folder), "test", self._left_out)
        adults = [film for film in films if film.age_group == "adult" and film.view == "PA" and film.lungs is None]
        simulated = projections(self._folder / PROJECTIONS, "test")
        parts = [report.lungs(run, films, self._left_out), margins(run, films)]
        if simulated:
            turned = projections(self._folder / TURNED, "test") or simulated
            parts += [report.bones(run, simulated), report.rotation(run, turned, adults[:_WARPED])]
        return report.joined("chest-anatomy", parts, ())


def task(data: Path, left_out: frozenset[str]) -> ChestAnatomy:
    """The task on a folder with ``manifest.csv``."""
    return ChestAnatomy(data, left_out)
