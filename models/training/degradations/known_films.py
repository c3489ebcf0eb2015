"""A folder of good films and of the same films with faults of known size, for ``qcbox bench calibration``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from models.image.picture import Mask, Picture
from models.training.degradations import Side, crop_field, mirror, quantise, rotate_trunk
from models.training.degradations.samples import read_film
from models.training.films import read_mask
from models.training.manifest import Film
from models.training.split import part_of

SIDES: tuple[Side, ...] = ("top", "bottom", "left", "right")
LOST = 0.06
"""Share of the lungs' height or width that the closed field takes away: about 15 mm of an adult."""
TURNED_DEG = 10.0
_PREFIX = {"PA": "PA", "AP": "AP"}
_LUNG = 255


def write_known(films: list[Film], out: Path, most: int) -> int:
    """Of up to ``most`` complete films per source and part: as it is, cut off, turned, mirrored. How many were
    written.

    Complete: a mask of the lungs that touches no side. Films without one are left out: nobody says that they are
    good.
    """
    out.mkdir(parents=True)
    lines: list[dict[str, object]] = []
    taken: dict[tuple[str, str], int] = {}
    for film in sorted(films, key=lambda one: one.path.name):
        part = part_of(film)
        key = film.source, part
        if part == "train" or film.lungs is None or film.touches or film.view not in _PREFIX:
            continue
        if taken.get(key, 0) >= most:
            continue
        taken[key] = taken.get(key, 0) + 1
        patient = hashlib.sha256(film.patient.encode()).hexdigest()[:16]
        for kind, made, faults in _variants(film):
            name = f"{len(lines):05}-{kind}.dcm"
            _dicom(made, film, name).save_as(out / name, enforce_file_format=True)
            lines.append({"file": name, "patient": patient, "part": part, "faults": faults})
    (out / "films.json").write_text(json.dumps({"films": lines}, indent=1), encoding="utf-8")
    return len(lines)


def _variants(film: Film) -> Iterator[tuple[str, Picture, list[str]]]:
    picture = read_film(film.path)
    lungs: Mask = (
        read_mask(film.lungs, (picture.shape[1], picture.shape[0])) == _LUNG if film.lungs else picture > 2
    )
    prefix = "CP" if film.age_group == "child" else _PREFIX[film.view]
    rng = np.random.default_rng(int(hashlib.sha256(film.path.name.encode()).hexdigest()[:8], 16))
    side = SIDES[int(rng.integers(4))]
    cut = crop_field(picture, side, _border(lungs, side), rng)
    yield "good", picture, []
    yield "cut", cut.film, [f"{prefix}01.lung_cut_off", f"{prefix}01.lung_cut_off_percent"]
    turned = rotate_trunk(lungs, TURNED_DEG * float(rng.choice([-1, 1])))
    yield "turned", turned.of_film(picture), [f"{prefix}03.rotation"]
    yield "mirrored", mirror(picture), [f"{prefix}16.orientation"]


def _border(lungs: Mask, side: Side) -> float:
    """Share of the film to close so that ``LOST`` of the lungs is gone on that side."""
    axis = 1 if side in ("top", "bottom") else 0
    places = np.flatnonzero(lungs.any(axis=axis))
    first, last, whole = int(places[0]), int(places[-1]) + 1, lungs.shape[1 - axis]
    inside = LOST * (last - first)
    reach = first + inside if side in ("top", "left") else whole - last + inside
    return float(reach / whole)


def _dicom(picture: Picture, film: Film, name: str) -> Dataset:
    """A DX object of 8 bits, nobody's, whose header says what it is and no spacing."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = DigitalXRayImageStorageForPresentation
    made.SOPInstanceUID = generate_uid(entropy_srcs=["qcbox known film", name, film.path.name])
    made.StudyInstanceUID = made.SeriesInstanceUID = generate_uid(entropy_srcs=["qcbox known study", name])
    made.PatientID = "KNOWN"
    made.PatientAge = "004Y" if film.age_group == "child" else "040Y"
    made.Modality, made.BodyPartExamined, made.ViewPosition = "DX", "CHEST", film.view
    made.ImageType, made.PresentationIntentType = ["ORIGINAL", "PRIMARY"], "FOR PRESENTATION"
    made.PatientOrientation = ["L", "F"]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows, made.Columns = picture.shape
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    stored = np.round(quantise(picture) * 255).astype(np.uint8).tobytes()
    made.PixelData = stored + b"\0" * (len(stored) % 2)
    made["PixelData"].VR = "OB"
    return made
