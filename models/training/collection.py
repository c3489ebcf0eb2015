"""Collection: a hospital's own DICOM radiographs become a folder of films with a manifest, without names.

The header stays behind. Patients and objects get pseudonyms by HMAC with a key that is made once and kept beside
the manifest: a patient keeps the pseudonym in a later collection, and nobody without the key can go back.
What is burned into the picture stays in it.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Pixels
from capture.arrival import Arrival, arrival_id
from capture.dicom.reader import read
from capture.errors import SetAside
from models import header
from models.circumstances import Circumstances
from models.header.modality import RADIOGRAPH
from models.image.picture import shrink
from models.measurement import Measurements
from models.producer import in_order, measure_all
from models.training.manifest import NAME

COLUMNS = ("image", "source", "tier", "licence", "patient", "view", "age_group", "body_part", "width", "height")
KEY = "pseudonyms.key"
LONG_SIDE = 1024
"""Pixels: twice what the largest network sees."""
_TAILS = (0.1, 99.9)
"""Percentiles that become black and white; the canvas clips more (0.2 %, models.image.picture)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the manifest says of all films of one collection."""

    source: str
    licence: str
    tier: str = "open"


def collect(folder: Path, out: Path, origin: Origin) -> Counter[str]:
    """Write the radiographs of a folder, and all folders inside, as PNG with a row each in ``out/manifest.csv``.

    A film that is there already is written again and has one row; other rows stay.

    Returns:
        How many files were ``taken`` and how many not, by reason.
    """
    out.mkdir(parents=True, exist_ok=True)
    key = _key(out / KEY)
    rows = {row["image"]: row for row in _rows(out / NAME)}
    found: Counter[str] = Counter()
    for path in sorted(file for file in folder.rglob("*") if file.is_file() and out not in file.parents):
        taken = _take(path, out, origin, key)
        if isinstance(taken, str):
            found[taken] += 1
        else:
            found["taken"] += 1
            rows[taken["image"]] = taken
    with (out / NAME).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))
    return found


def _take(path: Path, out: Path, origin: Origin, key: bytes) -> dict[str, str] | str:
    """The film's row, or the reason why there is none."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    arrival = Arrival(arrival_id(0, sha256), sha256, path.stat().st_size, "dicom", "collection", 0)
    try:
        acquisition = read(path, arrival)
    except SetAside as error:
        return error.code
    pixels = acquisition.pixels
    if acquisition.exam.Modality not in RADIOGRAPH:
        return "other_modality"
    if acquisition.exam.PresentationIntentType == "FOR PROCESSING":
        return "for_processing"
    if not isinstance(pixels, Pixels):
        return pixels.code
    identity = acquisition.identity
    picture = _picture(pixels)
    image = f"{_pseudonym(key, identity.SOPInstanceUID or sha256)}.png"
    cv2.imwrite(str(out / image), picture)
    facts, _ = measure_all(in_order(header.PRODUCERS), acquisition, Circumstances(received_at=0))
    return {
        "image": image,
        "source": origin.source,
        "tier": origin.tier,
        "licence": origin.licence,
        "patient": _pseudonym(key, f"{identity.IssuerOfPatientID}/{identity.PatientID or sha256}"),
        "view": _view(facts),
        "age_group": _age(facts),
        "body_part": facts.text("body.part") or "",
        "width": str(picture.shape[1]),
        "height": str(picture.shape[0]),
    }


def _picture(pixels: Pixels) -> NDArray[np.uint8]:
    """8 bits, dense anatomy bright, at most :data:`LONG_SIDE` on its long side."""
    values = -pixels.values if pixels.inverted else pixels.values
    scale = max(1.0, max(values.shape) / LONG_SIDE)
    small = shrink(values, (max(1, round(values.shape[1] / scale)), max(1, round(values.shape[0] / scale))))
    used = values if pixels.padding is None else values[~pixels.padding]
    low, high = np.percentile(used, _TAILS) if used.size else (0.0, 0.0)
    place = np.clip((small - low) / max(float(high - low), 1e-6), 0, 1)
    return np.round(place * 255).astype(np.uint8)


def _view(facts: Measurements) -> str:
    view = facts.text("view.projection") or ""
    return "L" if view in ("LL", "RL", "LAT") else view if view in ("PA", "AP") else ""


def _age(facts: Measurements) -> str:
    age = facts.number("person.age_years")
    return "" if age is None else f"age {age:.0f}"


def _pseudonym(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:16]


def _key(file: Path) -> bytes:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(secrets.token_bytes(32))
    return file.read_bytes()


def _rows(file: Path) -> Iterator[dict[str, str]]:
    if file.exists():
        with file.open(newline="", encoding="utf-8") as stream:
            yield from csv.DictReader(stream)
