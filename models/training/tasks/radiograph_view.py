"""radiograph-view: what a picture shows, which way up, mirrored, inverted, child or adult, a white lung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax
from torch.utils.data import DataLoader, Dataset

from models.anatomy import film
from models.anatomy.installed import looker
from models.anatomy.limits import FILE, Limits
from models.anatomy.view import KINDS, ORIENTATIONS, SIDE
from models.bundles.library import library
from models.training.loop import Recipe
from models.training.manifest import read_manifest
from models.training.report.report import Report
from models.training.split import LEFT_OUT
from models.training.task import About, Batch, Output, Part, Run, Signature
from models.training.tasks.radiograph_view_limits import limits_of
from models.training.tasks.radiograph_view_network import ANSWERS, ViewNetwork
from models.training.tasks.radiograph_view_pool import Item, pool
from models.training.tasks.radiograph_view_refusals import at_the_gate
from models.training.tasks.radiograph_view_report import report_of
from models.training.tasks.radiograph_view_samples import UNKNOWN, Draws
from models.training.tasks.radiograph_view_trials import trials

PER_EPOCH = 4096
_ORIENTATIONS = tuple(f"turn_{90 * turn}{'_mirrored' if mirrored else ''}" for turn, mirrored in ORIENTATIONS)
_SEED = 31
_WEIGHTS = {"kind": 1.0, "turn": 0.7, "mirrored": 1.2, "inverted": 0.4, "child": 0.3, "white": 0.4}
_TEMPERATURES = torch.logspace(-0.7, 0.9, 65)
RECIPE = Recipe(epochs=20, batch=32, rate=2e-3)
ABOUT = About(
    task="What a radiograph shows, which way round, and whether it is like those the other networks learnt from",
    description="MobileNetV3-small from scratch: chest PA, AP, lateral, other body part or no radiograph; eight "
    "orientations; inverted; child; white lung. Calibrated by temperature.",
    intended_use="Quality control of acquisition beside the device, and the gate before every measure of a chest "
    "film. Not for diagnosis.",
    data_source="See docs/README.md for films, licences and attribution.",
    references=(
        "Howard et al. 2019, Searching for MobileNetV3",
        "Guo et al. 2017, On calibration of modern neural networks",
    ),
)


class RadiographView:
    """The task; ``folder`` holds the manifest (handbook, Training)."""

    name = "radiograph-view"
    version = "1.0.0"
    about = ABOUT
    signature = Signature(
        SIDE,
        (
            Output("kind", KINDS, "probability", spatial=False),
            Output("orientation", _ORIENTATIONS, "probability", spatial=False),
            Output("inverted", ("inverted",), "probability", spatial=False),
            Output("child", ("child",), "probability", spatial=False),
            Output("white_lung", ("white_lung",), "probability", spatial=False),
        ),
    )

    def __init__(
        self,
        folder: Path,
        left_out: frozenset[str] = LEFT_OUT,
        start: Path | None = None,
        samples: int = PER_EPOCH,
    ) -> None:
        """``left_out``: sources that are test only; ``start``: weights to begin with; ``samples``: per epoch."""
        self._folder = folder
        self._samples = samples
        self._left_out = left_out
        self._start = start
        self._items: dict[Part, list[Item]] = {}

    def network(self) -> nn.Module:
        network = ViewNetwork()
        if self._start is not None:
            network.load_state_dict(torch.load(self._start, map_location="cpu", weights_only=True))
        return network

    def items(self, part: Part) -> list[Item]:
        """The pictures of a part; the manifest is read once."""
        if part not in self._items:
            self._items[part] = pool(read_manifest(self._folder), part, self._left_out)
        return self._items[part]

    def dataset(self, part: Part, epoch: int) -> Dataset[dict[str, Tensor]]:
        count = self._samples if part == "train" else self._samples // 4
        return Draws(self.items(part), count, (_SEED, ("train", "tune", "test").index(part), epoch))

    def loss(self, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        """Each question over the samples that have its answer; of several right kinds any will do."""
        total = torch.zeros((), device=outputs[0].device)
        for name, logit in zip(ANSWERS, outputs, strict=True):
            total = total + _WEIGHTS[name] * _loss_of(name, logit, batch)
        return total

    def score(self, network: nn.Module) -> float:
        """Mean accuracy over the questions on ``tune``; sets the temperatures, which do not change it."""
        if not isinstance(network, ViewNetwork):
            raise TypeError("radiograph-view scores its own network")
        logits, truth = _answers(network, self.dataset("tune", 0))
        right: list[Tensor] = []
        for n, name in enumerate(ANSWERS):
            costs = [float(_loss_of(name, logits[n] / t, truth)) for t in _TEMPERATURES]
            network.temperature[n] = _TEMPERATURES[int(torch.tensor(costs).argmin())]
            right.append(_accuracy(name, logits[n], truth))
        return float(torch.stack(right).nanmean())

    def companions(self, run: Run) -> Mapping[str, bytes]:
        """The operating points, chosen on ``tune`` with the network chest-anatomy that is installed."""
        return {FILE: (self._limits(run).model_dump_json(indent=1) + "\n").encode()}

    def evaluate(self, run: Run, out: Path) -> Report:
        """The gate is tried with limits chosen anew on ``tune``, so that any bundle can be evaluated.

        A folder whose films are all ``test`` has nothing to choose them on: then with those that ship.
        """
        shipped = looker()
        chosen = any(item.family == "frontal" and item.film.view for item in self.items("tune"))
        limits = self._limits(run) if chosen or shipped is None else shipped.limits
        found = trials(self.items("test"), run)
        return report_of(found, at_the_gate(found, limits.gate.limits(), _anatomy()), limits.view)

    def _limits(self, run: Run) -> Limits:
        return limits_of(trials(self.items("tune"), run), self.items("train"), _anatomy())


def _anatomy() -> Run | None:
    bundle = library().get(film.BUNDLE)
    return None if bundle is None else lambda batch: bundle.run({"image": batch})


def _answers(network: ViewNetwork, samples: Dataset[dict[str, Tensor]]) -> tuple[list[Tensor], dict[str, Tensor]]:
    found, truth = [], []
    for batch in DataLoader(samples, 32):
        found.append([logit.cpu() for logit in network.logits(batch["image"].to(network.temperature.device))])
        truth.append({name: value for name, value in batch.items() if name != "image"})
    logits = [torch.cat(column) for column in zip(*found, strict=True)]
    return logits, {name: torch.cat([part[name] for part in truth]) for name in truth[0]}


def _loss_of(name: str, logit: Tensor, batch: Batch) -> Tensor:
    if name == "kind":
        likely = log_softmax(logit, dim=1).masked_fill(batch["kinds"] == 0, -1e4)
        return -torch.logsumexp(likely, dim=1).mean()
    known = batch[name] != UNKNOWN
    if not known.any():
        return logit.sum() * 0
    if name == "turn":
        return cross_entropy(logit[known], batch[name][known])
    return binary_cross_entropy_with_logits(logit[known, 0], batch[name][known].float())


def _accuracy(name: str, logit: Tensor, batch: Batch) -> Tensor:
    if name == "kind":
        return batch["kinds"].gather(1, logit.argmax(1, keepdim=True)).mean()
    known = batch[name] != UNKNOWN
    answer = logit.argmax(1) if name == "turn" else (logit[:, 0] > 0).long()
    return (answer[known] == batch[name][known]).float().mean()


def task(data: Path, left_out: frozenset[str]) -> RadiographView:
    """The task on a folder with a manifest."""
    return RadiographView(data, left_out)
