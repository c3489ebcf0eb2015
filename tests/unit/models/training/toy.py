"""A network of nobody's lungs: drawn films with a manifest, and a task that two epochs can fit."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import Dataset

from models.anatomy.canvas import canvas_of
from models.training.drawn import draw
from models.training.films import read_mask, read_picture
from models.training.loop import run_of
from models.training.manifest import read_manifest
from models.training.nets import Activated, unet
from models.training.report.report import Claim, Estimate, Report
from models.training.split import films_of
from models.training.task import About, Array, Batch, Output, Part, Run, Signature

SIDE = 32
COLUMNS = ("image", "source", "tier", "licence", "patient", "lungs")


def folder_of_films(folder: Path, films: int = 48) -> Path:
    """Drawn films of two sources with masks and a manifest."""
    rows = []
    for number in range(films):
        drawing = draw(number, 60, 50)
        cv2.imwrite(str(folder / f"{number}.png"), (drawing.picture * 255).astype(np.uint8))
        cv2.imwrite(str(folder / f"{number}-lungs.png"), drawing.lungs)
        source = "here" if number % 4 else "elsewhere"
        rows.append((f"{number}.png", source, "open", "drawn by us", f"p{number // 2}", f"{number}-lungs.png"))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return folder


class Samples(Dataset[dict[str, Tensor]]):
    """Canvases with their lungs; brightness is drawn from the epoch."""

    def __init__(self, pairs: Sequence[tuple[Array, Array]], epoch: int) -> None:
        self._pairs = pairs
        self._rng = np.random.default_rng(epoch)
        self._gain = self._rng.uniform(0.8, 1.0, len(pairs)).astype(np.float32)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        image, lungs = self._pairs[index]
        return {"image": torch.from_numpy(image * self._gain[index]), "lungs": torch.from_numpy(lungs)}


class Toy:
    """Lungs at 32 x 32."""

    name = "toy"
    version = "0.1.0"
    signature = Signature(SIDE, (Output("lungs", ("lung",), "probability", spatial=True),))
    about = About("drawn lungs", "for tests", "none", "drawn by us")

    def __init__(self, data: Path, left_out: frozenset[str] = frozenset({"elsewhere"})) -> None:
        self._films = read_manifest(data)
        self._left_out = left_out

    def network(self) -> nn.Module:
        return Activated(unet(1, 1, (4, 8, 16)), (torch.sigmoid,))

    def pairs(self, part: Part) -> list[tuple[Array, Array]]:
        found = []
        for film in films_of(self._films, part, self._left_out):
            assert film.lungs
            image = canvas_of(read_picture(film.path, SIDE), SIDE).image
            mask = read_mask(film.lungs, (50, 60))
            lungs = np.zeros((SIDE, SIDE), np.float32)
            rows, columns = SIDE, round(SIDE * mask.shape[1] / mask.shape[0])
            lungs[:rows, :columns] = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA) > 127
            found.append((image[None], lungs[None]))
        return found

    def dataset(self, part: Part, epoch: int) -> Dataset[dict[str, Tensor]]:
        return Samples(self.pairs(part), epoch)

    def loss(self, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        return binary_cross_entropy_with_logits(outputs[0], batch["lungs"])

    def score(self, network: nn.Module) -> float:
        return self._dice(run_of(network, self.signature), "tune")

    def evaluate(self, run: Run, out: Path) -> Report:
        dice = self._dice(run, "test")
        return Report("Toy", claims=(Claim("lung Dice", Estimate(dice, images=len(self.pairs("test"))), 0.1),))

    def _dice(self, run: Run, part: Part) -> float:
        pairs = self.pairs(part)
        found = run(np.stack([image for image, _ in pairs]))["lungs"] > 0.5
        truth = np.stack([lungs for _, lungs in pairs]) > 0
        return float(2 * (found & truth).sum() / max(1, found.sum() + truth.sum()))
