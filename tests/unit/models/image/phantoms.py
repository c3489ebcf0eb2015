"""Phantoms of known truth for the image metrics, and an Acquisition around any array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, Pixels, Technique
from models.circumstances import Circumstances
from models.image import producers
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.producer import measure_all

Array = NDArray[np.float32]
Box = tuple[float, float, float, float]
"""Centre x, centre y, width, height, in pixels from the top left pixel's outer corner."""


def torso(
    height: int = 900,
    width: int = 800,
    *,
    field: Box | None = None,
    angle: float = 0.0,
    penumbra: float = 2.0,
    sigma: float = 20.0,
    seed: int = 0,
) -> Array:
    """Something like a chest in exposure-like 12-bit values (exposed is high, unexposed 80), with white noise.

    ``penumbra``: scale of the logistic border, 10-90 % in 2.6 of it. ``angle``: degrees clockwise.
    """
    picture = _body(height, width)
    if field is not None:
        turn, (x, y) = np.radians(angle), _centres(height, width)
        along = (x - field[0]) * np.cos(turn) + (y - field[1]) * np.sin(turn)
        aside = (y - field[1]) * np.cos(turn) - (x - field[0]) * np.sin(turn)
        open_part = _open(along, field[2], penumbra) * _open(aside, field[3], penumbra)
        picture = 80 + (picture - 80) * open_part
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.asarray(np.clip(np.round(picture + noise), 0, 4095), np.float32)


def _centres(height: int, width: int) -> tuple[Array, Array]:
    """Where the pixels' centres are: a row of x, a column of y."""
    return np.arange(width, dtype=np.float32)[None, :] + 0.5, np.arange(height, dtype=np.float32)[:, None] + 0.5


@lru_cache(maxsize=4)
def _body(height: int, width: int) -> Array:
    """The torso without border and noise: most tests want the same one."""
    x, y = _centres(height, width)
    u, v = x / width - 0.5, y / height - 0.5
    trunk = np.exp(-(np.abs(u / 0.38) ** 4) - np.abs((v - 0.05) / 0.52) ** 4)
    picture = 3500 - 2700 * np.tanh(1.6 * trunk)
    for side in (-0.19, 0.19):
        picture += 1200 * np.exp(-(((u - side) / 0.11) ** 2) - ((v + 0.1) / 0.24) ** 2)
    inside, droop = np.exp(-((u / 0.3) ** 8)), 0.7 * np.sqrt(u * u + 0.004)
    for rib in range(9):
        picture -= 200 * np.exp(-(((v + 0.45 - rib * 0.07 + droop) / 0.008) ** 2)) * inside
    picture.flags.writeable = False
    return np.asarray(picture, np.float32)


def _open(distance: Array, width: float, penumbra: float) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh((width / 2 - np.abs(distance)) / penumbra * 0.85), np.float32)


def leg(sigma: float = 15, air: float = 3800) -> Array:
    """A limb with the open air beside it, ``air`` counts bright."""
    y, x = np.mgrid[0:900, 0:500].astype(np.float32)
    half = 110 + 20 * np.sin(y / 200)
    thick = np.sqrt(np.clip(1 - ((x - 250) / half) ** 2, 0, None))
    bone = np.sqrt(np.clip(1 - ((x - 250) / 30) ** 2, 0, None))
    picture = air * np.exp(-0.9 * thick - 0.8 * bone)
    noise = np.random.default_rng(0).normal(0, sigma, picture.shape)
    return np.asarray(np.clip(np.round(picture + noise), 0, 4095), np.float32)


def pixels(values: Array, **changes: Any) -> Pixels:
    """Twelve bits, 0.2 mm, exposed is shown dark (MONOCHROME1)."""
    plain = Pixels(
        values=values,
        color=None,
        padding=None,
        value_range=(0.0, 4095.0),
        spacing_mm=(0.2, 0.2),
        spacing_source="ImagerPixelSpacing",
        inverted=True,
        window=None,
        frame=0,
        frames=1,
    )
    return replace(plain, **changes)


def acquisition(
    of: Pixels | Array,
    *,
    exam: dict[str, Any] | None = None,
    display: dict[str, Any] | None = None,
    technique: dict[str, Any] | None = None,
    **rest: Any,
) -> Acquisition:
    """A chest DX as it comes from the detector; the groups' fields can be changed."""
    return Acquisition(
        arrival_id="test",
        identity=Identity(),
        exam=Exam(
            **{"Modality": "DX", "BodyPartExamined": "CHEST", "ImageType": ("ORIGINAL", "PRIMARY"), **(exam or {})}
        ),
        technique=Technique(**(technique or {})),
        device=Device(),
        display=Display(**{"BitsStored": 12, **(display or {})}),
        pixels=of if isinstance(of, Pixels) else pixels(of),
        **rest,
    )


def measured(of: Acquisition | Pixels | Array) -> Measurements:
    """All facts of the image metrics."""
    subject = of if isinstance(of, Acquisition) else acquisition(of)
    return measure_all(producers(), subject, Circumstances(received_at=0))[0]


def number(facts: Measurements, name: str) -> float:
    """A number that must be there."""
    value = facts.number(name)
    assert value is not None, facts.get(name)
    return value


def fact(facts: Measurements, name: str) -> Measurement:
    """A measurement that must be there."""
    found = facts.get(name)
    assert isinstance(found, Measurement), found
    return found


def reasons(facts: Measurements, names: Sequence[str]) -> set[Reason]:
    """Why these were not measured; none of them may have been."""
    found = [facts.get(name) for name in names]
    assert all(isinstance(one, NotMeasured) for one in found), found
    return {one.reason for one in found if isinstance(one, NotMeasured)}
