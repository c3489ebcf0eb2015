"""A site's own network as a measurement producer, as its ``configs/qcbox.toml`` declares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from capture.acquisition import NoPixels, Pixels
from models.anatomy.canvas import canvas_of
from models.bundles.bundle import Bundle
from models.bundles.door import Door, FactSpec, Preparation, channel_of, family
from models.bundles.metadata import Tensor
from models.bundles.session import Array
from models.image.picture import Picture
from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason
from models.producer import Subject
from models.rules.evaluate import known
from models.rules.layers import covers, scope_facts

_IMAGENET = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)
"""Means and deviations of red, green and blue, as torchvision's models were trained with."""
_OUTLINES = 4
_TINY = 12
"""Pixels of a map; smaller spots are not outlined."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The network's input, and the share of its width and height that the picture covers."""

    image: Array
    covered: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SiteNetwork:
    """A :class:`models.producer.MeasurementProducer` of one bundle."""

    bundle: Bundle
    door: Door

    @property
    def name(self) -> str:
        return f"{family(self.bundle.name)}/{self.bundle.version}"

    @property
    def provides(self) -> frozenset[str]:
        return frozenset(self.bundle.entries)

    @property
    def needs(self) -> frozenset[str]:
        return scope_facts(self.door.applies)

    def measure(self, subject: Subject) -> Iterable[Measured]:
        """The facts, or why there are none."""
        pixels = subject.acquisition.pixels
        if not covers(self.door.applies, known(subject.so_far)):
            return self._none(Reason.NOT_APPLICABLE, f"{self.bundle.name} does not apply")
        if isinstance(pixels, NoPixels):
            return self._none(Reason.NO_PIXELS, pixels.code)
        if pixels.frames > 1:
            return self._none(Reason.NOT_APPLICABLE, "a run of several frames")
        form = self.bundle.metadata.network_data_format
        [(name, tensor)] = form.inputs.items()
        made = prepared(pixels, self.door.input, tensor)
        outputs = self.bundle.run({name: made.image})
        return [self._fact(spec, outputs[spec.output], form.outputs[spec.output], made) for spec in self.door.fact]

    def _fact(self, spec: FactSpec, output: Array, tensor: Tensor, made: Prepared) -> Measured:
        name = f"{family(self.bundle.name)}.{spec.name}"
        active = _activated(output[0], spec.activation)[channel_of(tensor, spec)]
        if active.ndim == 0:
            return Measurement(name, float(active), spec.unit, self.name)
        if active.ndim != 2:
            return NotMeasured(name, Reason.FAILED, "neither a row nor a map")
        rows, columns = (
            max(1, round(share * side)) for share, side in zip(made.covered[::-1], active.shape, strict=True)
        )
        shown = active[:rows, :columns]
        if spec.read == "area":
            found = shown >= spec.at_least
            return Measurement(name, float(found.mean()), spec.unit, self.name, marks=_outlines(found, name))
        return Measurement(name, float(shown.max()), spec.unit, self.name)

    def _none(self, reason: Reason, detail: str) -> list[Measured]:
        return [NotMeasured(name, reason, detail) for name in sorted(self.provides)]


def prepared(pixels: Pixels, how: Preparation, tensor: Tensor) -> Prepared:
    """The picture as the network wants it: (1, channels, rows, columns)."""
    rows, columns = (int(side) for side in tensor.spatial_shape)
    used = None if pixels.padding is None else ~pixels.padding
    if how.picture == "canvas":
        canvas = canvas_of(pixels.values, rows, used=used, inverted=pixels.inverted)
        grey, covered = canvas.image, (canvas.width / canvas.side, canvas.height / canvas.side)
    else:
        grey, covered = _window(pixels, (columns, rows)), (1.0, 1.0)
    return Prepared(_scaled(np.repeat(grey[None], tensor.num_channels, axis=0), how.scale)[None], covered)


def _window(pixels: Pixels, size: tuple[int, int]) -> Picture:
    used = pixels.values if pixels.padding is None else pixels.values[~pixels.padding]
    low, high = np.percentile(used, (1, 99)) if used.size else (0.0, 1.0)
    values = -pixels.values if pixels.inverted else pixels.values
    low, high = (-high, -low) if pixels.inverted else (low, high)
    grey = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    if pixels.padding is not None:
        grey[pixels.padding] = 0
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def _scaled(image: Array, scale: str) -> Array:
    if scale == "symmetric":
        image = image * 2 - 1
    elif scale == "standard":
        image = (image - image.mean()) / max(float(image.std()), 1e-6)
    elif scale == "imagenet":
        mean, deviation = _IMAGENET[:, : len(image), None, None]
        image = (image - mean) / deviation
    return np.ascontiguousarray(image, np.float32)


def _activated(channels: Array, activation: str) -> Array:
    """Over the first axis, numerically safe."""
    if activation == "sigmoid":
        return np.asarray(0.5 * (1 + np.tanh(0.5 * channels)), np.float32)
    if activation == "softmax":
        raised = np.exp(channels - channels.max(axis=0))
        return np.asarray(raised / raised.sum(axis=0), np.float32)
    return channels


def _outlines(found: np.ndarray[tuple[int, int], np.dtype[np.bool_]], name: str) -> tuple[Mark, ...]:
    """The largest areas as contours over the picture."""
    outlines, _ = cv2.findContours(found.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    rows, columns = found.shape
    large = sorted(
        (line for line in outlines if cv2.contourArea(line) >= _TINY), key=cv2.contourArea, reverse=True
    )
    return tuple(
        Mark("contour", name, tuple(((x + 0.5) / columns, (y + 0.5) / rows) for x, y in line[:, 0].tolist()))
        for line in (cv2.approxPolyDP(one, 0.7, closed=True) for one in large[:_OUTLINES])
    )
