"""The posterior fossa: stripes of known depth, and bone that hardens a beam by its square."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.commands.gathering import gather
from models.ct import MEASURES
from models.ct.body import body_of
from models.ct.fossa import Fossa, fossa_of
from models.ct.head import head_of
from models.ct.scan import Scan, Values, scan_of
from tests.unit.models.ct.phantoms import Ellipse, HeadPhantom, grid_of, noise, scanned

REAL = Path(__file__).parents[5] / "shared" / "data" / "dicom" / "ct" / "ge_head_human_variable_gap_tilt"
PIXEL = 2.0
STEP = 5.0
TOP, WIDEST = 20.0, 80.0
"""mm from the first slice to the brain, and from there to its widest."""
PETROUS = 1800.0
_ANGLES = 90
_WATER_PER_PIXEL = 0.02 * PIXEL
"""Attenuation of a pixel of water, at 0.02 per mm (60 to 70 keV)."""


def head(last: float = 170.0) -> Scan:
    """With petrous bones where the brain narrows."""
    scan = scanned(HeadPhantom(top=TOP), np.arange(0.0, last, STEP), pixel=PIXEL)
    grid = grid_of(PIXEL)
    for at, z in enumerate(scan.z_mm):
        if TOP + WIDEST + 15 < z < TOP + WIDEST + 50:
            values = scan.hu[at].astype(np.float64)
            for side in (-1, 1):
                Ellipse(side * 34, -14, 22, 8, side * 20).paint(values, grid, PETROUS)
            scan.hu[at] = values
    return scan


def fossa_in(scan: Scan) -> Fossa | None:
    body = body_of(scan)
    assert body is not None
    found = head_of(scan, body)
    assert found is not None
    return fossa_of(scan, found)


def hardened(hu: Values, share: float) -> Values:
    """With the second-order error of a polychromatic beam, ``share`` times the square of a ray's way through bone
    (Joseph and Spital 1978), projected and filtered back."""
    bone = np.where(hu > 200, hu, 0) / 1000 * _WATER_PER_PIXEL
    side = hu.shape[0]
    turns = [cv2.getRotationMatrix2D(((side - 1) / 2,) * 2, 180 * k / _ANGLES, 1) for k in range(_ANGLES)]
    rays = np.stack([cv2.warpAffine(bone.astype(np.float32), turn, (side, side)).sum(0) for turn in turns])
    ramp = np.abs(np.fft.fftfreq(2 * side))
    error = np.fft.ifft(np.fft.fft(-share * rays**2, 2 * side) * ramp).real[:, :side].astype(np.float32)
    lines = (np.repeat(one[None], side, axis=0) for one in error)
    back = [
        cv2.warpAffine(line, turn, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        for line, turn in zip(lines, turns, strict=True)
    ]
    return np.asarray(hu + np.sum(back, axis=0) * np.pi / _ANGLES / _WATER_PER_PIXEL * 1000, np.float32)


@pytest.mark.parametrize("depth", [10.0, 20.0, 40.0])
def test_stripes_are_as_deep_as_they_are(depth: float) -> None:
    scan = head()
    stripes = np.where((np.arange(scan.hu.shape[1]) // 8) % 2, depth / 2, -depth / 2)
    tissue = (scan.hu > 0) & (scan.hu < 90)
    scan.hu[tissue] += np.broadcast_to(stripes[None, :, None], scan.hu.shape)[tissue]
    found = fossa_in(scan)
    assert found is not None
    assert found.spread_hu == pytest.approx(depth, rel=0.1, abs=1)


def test_the_more_bone_hardens_the_beam_the_more_uneven_it_is() -> None:
    scan = head()
    random = np.random.default_rng(3)
    noisy = scan.hu + 3 * np.stack([noise(random, "gauss", one.shape, 0.7) for one in scan.hu])
    spreads = []
    for share in (0.0, 0.05, 0.1, 0.2):
        found = fossa_in(replace(scan, hu=np.stack([hardened(one, share) for one in noisy]).astype(np.float32)))
        assert found is not None
        spreads.append(found.spread_hu)
    assert spreads[0] < 7
    assert np.diff(spreads).min() > 0
    # What the rule warns of and fails: 1.5 and 2 times what is usual.
    assert spreads[2] > 1.5 * spreads[0] and spreads[3] > 2 * spreads[0]


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/dicom/ct")
def test_a_real_head_is_told_from_itself_with_the_beam_hardened() -> None:
    (series,) = gather(sorted(REAL.glob("*.dcm")), MEASURES).series()
    still = scan_of(series.judged())
    assert isinstance(still, Scan)
    spreads = []
    for share in (0.0, 0.1, 0.2):
        found = fossa_in(replace(still, hu=np.stack([hardened(one, share) for one in still.hu])))
        assert found is not None
        spreads.append(found.spread_hu)
    assert spreads[1] > 1.3 * spreads[0] and spreads[2] > 1.8 * spreads[0]


def test_a_head_without_its_base_has_none() -> None:
    assert fossa_in(head(last=TOP + WIDEST + 15)) is None
