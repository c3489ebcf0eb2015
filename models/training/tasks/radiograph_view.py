"""radiograph-view: what a picture shows, which way up, mirrored, inverted, child or adult, a white lung."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax
from torch.utils.data import DataLoader, Dataset

from models.anatomy import film
from models.anatomy.installed import looker
from models.anatomy.limits import FILE, Limits
from models.anatomy.view import KINDS, ORIENTATIONS, SIDE
from models.content import drafts
from models.image.picture import Mask
from models.training.loop import Recipe
from models.training.manifest import read_manifest
from models.training.nets import LiteEncoder, pretrained
from models.training.report.report import Report
from models.training.split import LEFT_OUT
from models.training.task import About, Batch, Output, Part, Run, Signature
from models.training.tasks.radiograph_view_limits import limits_of
from models.training.tasks.radiograph_view_network import ANSWERS, ViewNetwork
from models.training.tasks.radiograph_view_pool import Item, lungs_of, pool
from models.training.tasks.radiograph_view_refusals import at_the_gate
from models.training.tasks.radiograph_view_report import report_of
from models.training.tasks.radiograph_view_samples import UNKNOWN, Draws
from models.training.tasks.radiograph_view_shapes import lungs_seen_in
from models.training.tasks.radiograph_view_trials import trials

PER_EPOCH = 4096
_ORIENTATIONS = tuple(f"turn_{90 * turn}{'_mirrored' if mirrored else ''}" for turn, mirrored in ORIENTATIONS)
_SEED = 31
_WEIGHTS = {"kind": 1.0, "turn": 0.7, "mirrored": 1.5, "inverted": 0.4, "child": 0.3, "white": 0.8}
_ALIKE = 0.02
"""Keeps small what a picture and its mirror image both say of a side: it means nothing, and must not saturate."""
_TEMPERATURES = torch.logspace(-0.7, 0.9, 65)
RECIPE = Recipe(epochs=12, batch=16, rate=5e-4)
ABOUT = About(
    task="What a radiograph shows, which way round, and whether it is like those the other networks learnt from",
    description="EfficientNet-lite0 that had learnt ImageNet: chest PA, AP, lateral, other body part or no "
    "radiograph; eight orientations; inverted; child; white lung. Calibrated by temperature.",
    task_zh="图像拍的是什么、朝向如何、是否与其他网络学过的图像相似",
    description_zh=(
        "在 ImageNet 上预训练的 EfficientNet-lite0：胸部后前位、前后位"
        "、侧位、其他部位或非 X 线片；八种朝向；黑白反转；儿童；白肺。经温度校准。"
    ),
    intended_use="Quality control of acquisition beside the device, and the gate before every measure of a chest "
    "film. Not for diagnosis.",
    data_source="See docs/README.md for films, licences and attribution. First weights: ImageNet "
    "(photographs gathered for research; Google's weights under Apache-2.0).",
    references=(
        "Tan, Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
        "Guo et al. 2017, On calibration of modern neural networks",
    ),
    changelog={
        "1.0.0": "first version: MobileNetV3-small from scratch",
        "1.1.0": "begins with weights that know ImageNet; learns every film together with its mirror image",
        "1.1.1": "as sure of not mirrored as of mirrored, or silent (limits only; same weights)",
    },
)


class RadiographView:
    """The task; ``folder`` holds the manifest (handbook, Training)."""

    name = "radiograph-view"
    version = "1.1.1"
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
        self._lungs: dict[Path, Mask | None] = {}

    def network(self) -> nn.Module:
        if self._start is None:
            return ViewNetwork(pretrained())
        network = ViewNetwork(LiteEncoder())
        network.load_state_dict(torch.load(self._start, map_location="cpu", weights_only=True))
        return network

    def items(self, part: Part) -> list[Item]:
        """The pictures of a part; the manifest is read once."""
        if part not in self._items:
            self._items[part] = pool(read_manifest(self._folder), part, self._left_out)
        return self._items[part]

    def dataset(self, part: Part, epoch: int) -> Dataset[dict[str, Tensor]]:
        count = self._samples if part == "train" else self._samples // 4
        seed = _SEED, ("train", "tune", "test").index(part), epoch
        return Draws(self.items(part), count, seed, self._lungs_of)

    def _lungs_of(self, item: Item) -> Mask | None:
        """Drawn by hand, or, where nobody has, as the network chest-anatomy that is installed finds them."""
        film = item.film
        if film.lungs is not None:
            return lungs_of(item)
        if film.path not in self._lungs:
            anatomy = _anatomy() if film.view else None
            self._lungs[film.path] = None if anatomy is None else lungs_seen_in(item, anatomy)
        return self._lungs[film.path]

    def loss(self, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        """Each question over the samples that have its answer; of several right kinds any will do."""
        total = torch.zeros((), device=outputs[0].device)
        for name, logit in zip(ANSWERS, outputs, strict=True):
            total = total + _WEIGHTS[name] * _loss_of(name, logit, batch)
        alike = outputs[ANSWERS.index("mirrored")].mean(dim=1)
        return total + _ALIKE * alike.square().mean()

    def score(self, network: nn.Module) -> float:
        """The probability given to what is right on ``tune``, mean over the questions; sets the temperatures."""
        if not isinstance(network, ViewNetwork):
            raise TypeError("radiograph-view scores its own network")
        logits, truth = _answers(network, self.dataset("tune", 0))
        given = []
        for n, name in enumerate(ANSWERS):
            costs = [float(_loss_of(name, logits[n] / t, truth)) for t in _TEMPERATURES]
            network.temperature[n] = _TEMPERATURES[int(np.argmin(costs))]
            given.append(math.exp(-min(costs)))
        return sum(given) / len(given)

    def companions(self, run: Run) -> Mapping[str, bytes]:
        """The operating points, chosen on ``tune`` with the network chest-anatomy that is installed."""
        return {FILE: (self._limits(run).model_dump_json(indent=1) + "\n").encode()}

    def evaluate(self, run: Run, out: Path) -> Report:
        """The gate is tried with limits chosen anew on ``tune``, so that any bundle can be evaluated.

        A folder whose films are all ``test`` has nothing to choose them on: then with those that ship.
        """
        shipped = looker(drafts.shipped())
        chosen = any(item.family == "frontal" and item.film.view for item in self.items("tune"))
        limits = self._limits(run) if chosen or shipped is None else shipped.limits
        found = trials(self.items("test"), run)
        return report_of(found, at_the_gate(found, limits.gate.limits(), _anatomy()), limits.view)

    def _limits(self, run: Run) -> Limits:
        return limits_of(trials(self.items("tune"), run), self.items("train"), _anatomy())


def _anatomy() -> Run | None:
    bundle = drafts.shipped().get(film.BUNDLE)
    return None if bundle is None else lambda batch: bundle.run({"image": batch})


def _answers(network: ViewNetwork, samples: Dataset[dict[str, Tensor]]) -> tuple[list[Tensor], dict[str, Tensor]]:
    found, truth = [], []
    for batch in DataLoader(samples, 32):
        found.append([logit.cpu() for logit in network.both(batch["image"].to(network.temperature.device))])
        truth.append({name: value for name, value in batch.items() if name != "image"})
    logits = [torch.cat(column) for column in zip(*found, strict=True)]
    return logits, {name: torch.cat([part[name] for part in truth]) for name in truth[0]}


def _loss_of(name: str, logit: Tensor, batch: Batch) -> Tensor:
    """Of one question; ``logit`` is ``(n, 2, size)``, for the canvases and their mirror images."""
    if name == "kind":
        likely = log_softmax(logit, dim=2).masked_fill(batch["kinds"][:, None] == 0, -1e4)
        return -torch.logsumexp(likely, dim=2).mean()
    known = batch[name] != UNKNOWN
    if not known.any():
        return logit.sum() * 0
    logit, truth = logit[known], batch[name][known]
    if name == "turn":  # A film turned right is, in the mirror, one turned left.
        return cross_entropy(logit.flatten(0, 1), torch.stack([truth, -truth % 4], dim=1).flatten())
    if name == "mirrored":
        return binary_cross_entropy_with_logits(side_of(logit), truth.float())
    return binary_cross_entropy_with_logits(logit[..., 0], truth[:, None].expand(-1, 2).float())


def side_of(logit: Tensor) -> Tensor:
    """Half of what a picture has over its mirror image, which must say the opposite (as ``view_of`` reads it)."""
    return (logit[:, 0, 0] - logit[:, 1, 0]) / 2


def task(data: Path, left_out: frozenset[str]) -> RadiographView:
    """The task on a folder with a manifest."""
    return RadiographView(data, left_out)
