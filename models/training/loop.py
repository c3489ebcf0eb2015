"""Loop: fits any task: AdamW with a cosine, early stop, the best epoch kept, resumable after every epoch.

Everything random is drawn from (seed, epoch), so a run that was cut off and resumed ends where an uninterrupted
run ends, and a checkpoint needs no state of random generators.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader

from capture.errors import Misuse
from capture.text import Bilingual
from models.training.task import Array, Run, Signature, Task

CHECKPOINT = "checkpoint.pt"


class Recipe(BaseModel):
    """What suits a network; a task's module may have its own as ``RECIPE``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(30, ge=1, title="Epochs", description="At most so many passes over the training films.")
    batch: int = Field(8, ge=1, title="Batch", description="Films per step.")
    rate: float = Field(
        2e-3, gt=0, title="Learning rate", description="At the start; a cosine takes it to 1 % of it."
    )
    decay: float = Field(1e-4, ge=0, title="Weight decay", description="Of AdamW.")
    patience: int = Field(10, ge=1, title="Patience", description="Epochs without a better score before stopping.")


class Settings(Recipe):
    """How a network is fitted, where and for how long."""

    out: Path = Field(title="Folder", description="Where the checkpoint with the best weights is kept.")
    minutes: float | None = Field(
        None,
        gt=0,
        title="Time budget",
        description="At most so many minutes of wall time, over all resumed runs; the learning rate follows "
        "whichever of epochs and minutes is further. None: no limit.",
    )
    seed: int = Field(20261121, title="Seed", description="Of everything random.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", title="Device", description="auto takes a GPU if there is one."
    )
    threads: int = Field(1, ge=1, title="Threads", description="CPU threads; 1 where the machine is shared.")
    workers: int = Field(
        0, ge=0, title="Workers", description="Processes that make samples; 0: those of a step before each step."
    )
    begin_with: Path | None = Field(
        None,
        title="Begin with",
        description="Folder of another run of the network, whose best weights come first.",
    )
    resume: bool = Field(False, title="Resume", description="Go on from the folder's checkpoint.")


@dataclass(slots=True)
class Progress:
    """What a run remembers between epochs."""

    epoch: int = 0
    """Finished epochs."""
    seconds: float = 0.0
    best: float = -math.inf
    best_epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Of the best epoch, on the CPU."""
    history: list[tuple[int, float, float]] = field(default_factory=list)
    """(epoch, mean training loss, score on ``tune``)."""


def fit(task: Task, settings: Settings, say: Callable[[str], None] = print) -> nn.Module:
    """Fit the task's network and return it with the weights of its best epoch, in ``eval()`` on the CPU.

    Raises:
        Misuse: no training films; the loss is no longer a number; a checkpoint of another run.
    """
    torch.set_num_threads(settings.threads)
    device = chosen(settings.device)
    seed_all(settings.seed)
    network = task.network()
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # stub lacks it
    optimiser = AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.decay)
    settings.out.mkdir(parents=True, exist_ok=True)
    progress = _resumed(task, settings, network, optimiser) if settings.resume else _begun(task, settings, network)
    while not _finished(progress, settings):
        started = time.monotonic()
        seed_all(settings.seed + progress.epoch + 1)
        loss = _one_epoch(task, settings, network, optimiser, progress, device)
        network.eval()
        with torch.inference_mode():
            score = task.score(network)
        progress.epoch += 1
        progress.seconds += time.monotonic() - started
        progress.history.append((progress.epoch, loss, score))
        if score > progress.best:
            progress.best, progress.best_epoch = score, progress.epoch
            progress.weights = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
        _save(task, settings, network, optimiser, progress)
        say(
            f"{task.name} epoch {progress.epoch}/{settings.epochs} loss {loss:.4f} score {score:.4f} "
            f"best {progress.best:.4f} (epoch {progress.best_epoch}) {progress.seconds / 60:.1f} min"
        )
    network.load_state_dict(progress.weights)
    network.cpu().eval()
    return network


def chosen(device: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``."""
    if device == "cuda" and not torch.cuda.is_available():
        raise Misuse(
            "training.no_gpu",
            Bilingual("没有可用的 GPU", "There is no GPU to use"),
            Bilingual(
                "使用 --device cpu，或安装带 CUDA 的 torch", "use --device cpu, or install a CUDA build of torch"
            ),
        )
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def seed_all(seed: int) -> None:
    """Seed Python, numpy's legacy generator (MONAI and others use it) and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def run_of(network: nn.Module, signature: Signature) -> Run:
    """The network as :data:`~models.training.task.Run`: numpy in, named numpy outputs out, on the device it is on.

    So a task's ``score`` and ``evaluate`` can share their code.
    """
    names = [output.name for output in signature.outputs]

    def run(batch: Array) -> Mapping[str, Array]:
        device = next(network.parameters()).device
        with torch.inference_mode():
            found = network(torch.from_numpy(np.ascontiguousarray(batch)).to(device))
        return {name: tensor.float().cpu().numpy() for name, tensor in zip(names, found, strict=True)}

    return run


def _finished(progress: Progress, settings: Settings) -> bool:
    late = settings.minutes is not None and progress.seconds >= 60 * settings.minutes
    stale = progress.epoch - progress.best_epoch >= settings.patience
    return progress.epoch >= settings.epochs or (progress.epoch > 0 and (late or stale))


def _one_epoch(
    task: Task,
    settings: Settings,
    network: nn.Module,
    optimiser: AdamW,
    progress: Progress,
    device: torch.device,
) -> float:
    samples = task.dataset("train", progress.epoch)
    order = torch.Generator().manual_seed(settings.seed + progress.epoch + 1)
    count = len(cast(Sized, samples))
    if not count:
        raise Misuse(
            "training.no_films",
            Bilingual("没有可用于训练的图像", "There is no film to train on"),
            Bilingual(
                "清单中需要 tier 为 open 且不属于留出来源的图像",
                "the manifest needs films with tier open of sources that are not left out",
            ),
        )
    # A last batch of one or two would upset batch normalisation.
    loader = DataLoader(
        samples,
        settings.batch,
        shuffle=True,
        generator=order,
        drop_last=count > settings.batch,
        num_workers=settings.workers,
    )
    network.train()
    losses: list[float] = []
    started = time.monotonic()
    for step, batch in enumerate(loader):
        done = (progress.epoch + step / len(loader)) / settings.epochs
        if settings.minutes is not None:
            spent = (progress.seconds + time.monotonic() - started) / (60 * settings.minutes)
            if spent >= 1 and losses:
                break
            done = max(done, min(1.0, spent))
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
        losses.append(_one_step(task, network, optimiser, _moved(batch, device)))
    return float(np.mean(losses))


def _one_step(task: Task, network: nn.Module, optimiser: AdamW, batch: Mapping[str, Tensor]) -> float:
    optimiser.zero_grad(set_to_none=True)
    loss = task.loss(network(batch["image"].contiguous(memory_format=torch.channels_last)), batch)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise Misuse(
            "training.loss_not_finite",
            Bilingual("损失不再是有效数字", "The loss is no longer a number"),
            Bilingual("降低学习率后用 --resume 继续", "lower the learning rate and go on with --resume"),
        )
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return value


def _moved(batch: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {name: value.to(device) for name, value in batch.items()}


def _save(task: Task, settings: Settings, network: nn.Module, optimiser: AdamW, progress: Progress) -> None:
    state: dict[str, Any] = {
        "task": task.name,
        "seed": settings.seed,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "progress": {name: getattr(progress, name) for name in Progress.__slots__},
    }
    half = settings.out / f"{CHECKPOINT}.part"
    torch.save(state, half)
    half.replace(settings.out / CHECKPOINT)


def progress_of(out: Path) -> Progress:
    """How far the run in this folder is; a new one where there is none."""
    state = _checkpoint(out)
    return Progress(**state["progress"]) if state else Progress()


def _checkpoint(out: Path) -> dict[str, Any]:
    file = out / CHECKPOINT
    state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True) if file.is_file() else {}
    return state


def _begun(task: Task, settings: Settings, network: nn.Module) -> Progress:
    """A run at its beginning."""
    if settings.begin_with is not None:
        state = _checkpoint(settings.begin_with)
        if not state or state["task"] != task.name:
            raise Misuse(
                "training.begin_with",
                Bilingual("检查点不属于该网络", "There is no checkpoint of this network"),
                Bilingual(
                    "--begin-with 应为该网络另一次训练的文件夹", "--begin-with is a folder of another run of it"
                ),
            )
        network.load_state_dict(state["progress"]["weights"])
    return Progress()


def _resumed(task: Task, settings: Settings, network: nn.Module, optimiser: AdamW) -> Progress:
    state = _checkpoint(settings.out)
    if not state:
        return Progress()
    if (state["task"], state["seed"]) != (task.name, settings.seed):
        raise Misuse(
            "training.other_checkpoint",
            Bilingual("检查点属于另一次训练", "The checkpoint belongs to another run"),
            Bilingual("换一个 --out 文件夹", "choose another folder with --out"),
        )
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return Progress(**state["progress"])
