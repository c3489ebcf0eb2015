"""``qcbox bench measure``: the image metrics on a 3000 x 3000 picture, against a blur in the same process."""

from __future__ import annotations

import json as json_text
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated

import cv2
import numpy as np
import typer

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, Pixels, Technique
from models.circumstances import Circumstances
from models.image import producers
from models.measurement import Measured, Measurements
from models.producer import MeasurementProducer, Subject

_SIDE = 3000
_ROUNDS = 5
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over the rounds: processor time of one thread, and its ratio to the blur of the same round."""

    metric: str
    cpu_ms: float
    blur_ratio: float


def bench_measure(
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Time every image metric on one synthetic radiograph.

    The peer is OpenCV's Gaussian blur (sigma 3) of the same picture on one thread. The first metric pays for what
    all of them share.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        subject = Subject(_radiograph(), Circumstances(received_at=0), Measurements())
        costs, extra = _costs(subject), _peak_mib(subject)
    finally:
        cv2.setNumThreads(threads)
    if json:
        typer.echo(json_text.dumps({"side": _SIDE, "peak_mib": extra, "costs": [asdict(cost) for cost in costs]}))
        return
    for cost in costs:
        typer.echo(f"{cost.metric:16} {cost.cpu_ms:8.1f} ms {cost.blur_ratio:7.2f} x blur")
    typer.echo(f"{'peak memory':16} {extra:8.1f} MiB beside the picture")


def _radiograph() -> Acquisition:
    """A body in a turned field with white noise, 12 bits."""
    at = (np.arange(_SIDE, dtype=np.float32) + 0.5) / _SIDE - 0.5
    across, down = at[None, :], at[:, None]
    body = np.exp(-((across / 0.36) ** 4) - (down / 0.5) ** 4)
    along, aside = across + 0.03 * down, down - 0.03 * across
    inside = (np.abs(along) < 0.44) & (np.abs(aside) < 0.46)
    noise = np.random.default_rng(0).standard_normal((_SIDE, _SIDE), dtype=np.float32)
    ribs = 150 * np.sin(60 * down + 20 * across**2) * body
    values = np.where(inside, 3600 - 2600 * body + ribs, 80) + 20 * noise
    return Acquisition(
        arrival_id="bench",
        identity=Identity(),
        exam=Exam(Modality="DX", BodyPartExamined="CHEST", ImageType=("ORIGINAL", "PRIMARY")),
        technique=Technique(),
        device=Device(),
        display=Display(BitsStored=12),
        pixels=Pixels(
            values=np.asarray(np.round(values), np.float32),
            color=None,
            padding=None,
            value_range=(0.0, 4095.0),
            spacing_mm=(0.14, 0.14),
            spacing_source="ImagerPixelSpacing",
            inverted=True,
            window=None,
            frame=0,
            frames=1,
        ),
    )


def _costs(subject: Subject) -> list[Cost]:
    pixels = subject.acquisition.pixels
    if not isinstance(pixels, Pixels):
        raise TypeError("the bench makes its own pixels")
    blur, took = [], []
    for _ in range(_ROUNDS):
        blur.append(_cpu_ms(partial(cv2.GaussianBlur, pixels.values, (0, 0), 3.0)))
        took.append({one.name: _cpu_ms(partial(_measure, one, subject)) for one in producers()})
        took[-1]["all"] = sum(took[-1].values())
    return [
        Cost(
            name,
            round(statistics.median(row[name] for row in took), 2),
            round(statistics.median(row[name] / peer for row, peer in zip(took, blur, strict=True)), 3),
        )
        for name in took[0]
    ]


def _measure(one: MeasurementProducer, subject: Subject) -> list[Measured]:
    return list(one.measure(subject))


def _cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def _peak_mib(subject: Subject) -> float:
    """Most memory that the metrics hold at once beside the picture (numpy's and OpenCV's arrays)."""
    tracemalloc.start()
    try:
        for one in producers():
            _measure(one, subject)
        return round(tracemalloc.get_traced_memory()[1] / _MIB, 1)
    finally:
        tracemalloc.stop()
