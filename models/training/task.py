"""Task: what one network must say to be trained, exported and proven by the same pipeline as all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from models.training.report.report import Report

Part = Literal["train", "tune", "test"]
"""``train`` fits weights, ``tune`` chooses epochs and thresholds, ``test`` is reported and nothing else."""
Batch = Mapping[str, Tensor]
Array = NDArray[np.float32]
Run = Callable[[Array], Mapping[str, Array]]
"""The exported network: a float32 batch (n, channels, rows, columns) in, its named outputs out."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output tensor of the network: its name and what each channel means, in order."""

    name: str
    channels: tuple[str, ...]
    kind: Literal["probability", "logit", "value"]
    spatial: bool
    """Whether it is a map (n, channels, rows, columns) or one row (n, channels)."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes in and comes out; becomes ``network_data_format`` of the bundle's metadata."""

    side: int
    """The canvas: float32 (n, 1, side, side), 0..1."""
    outputs: tuple[Output, ...]
    modality: str = "DX"
    canvas: str = "models.anatomy.canvas"
    """The module that makes it."""


@dataclass(frozen=True, slots=True)
class About:
    """What a bundle says of itself in words: the keys of MONAI's metadata, two of them in Chinese as well."""

    task: str
    """In one line."""
    description: str
    intended_use: str
    data_source: str
    """The films it learnt from, with their licences and the attribution that these ask for."""
    references: tuple[str, ...] = ()
    changelog: Mapping[str, str] = field(default_factory=dict)
    task_zh: str = ""
    description_zh: str = ""


@runtime_checkable
class Accompanied(Protocol):
    """A task whose bundle holds more than the network: operating points chosen with it, a prior of shapes."""

    def companions(self, run: Run) -> Mapping[str, bytes]:
        """Files of the bundle by their path in it, made with the fitted network."""


class Task(Protocol):
    """One network. ``network()``'s forward returns a tuple of tensors in the order of ``signature.outputs``."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def signature(self) -> Signature: ...

    @property
    def about(self) -> About: ...

    def network(self) -> nn.Module: ...

    def dataset(self, part: Part, epoch: int) -> Dataset[dict[str, Tensor]]:
        """Samples with key ``image`` and the targets; the same (part, epoch) gives the same samples."""

    def loss(self, outputs: Sequence[Tensor], batch: Batch) -> Tensor: ...

    def score(self, network: nn.Module) -> float:
        """On ``tune``; higher is better. Decides early stopping and which epoch is kept.

        The network is in ``eval()`` and may be on a GPU: call it through :func:`models.training.loop.run_of`.
        """

    def evaluate(self, run: Run, out: Path) -> Report:
        """On ``test`` only, through the exported network."""
