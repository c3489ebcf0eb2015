"""Every real object there is: an Acquisition or a set-aside with a code, in bounded time and memory.

Objects: those in pydicom's wheel, in pydicom-data, and in ../shared/data/dicom where a checkout has it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import data_store
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.datadict import tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array

from capture.acquisition import NO_PIXELS, Acquisition, NoPixels, Pixels
from capture.dicom.reader import read
from capture.errors import SetAside
from tests import factories

PACKAGED = (Path(pydicom.__file__).parent / "data" / "test_files", Path(data_store.__file__).parent / "data")
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom"
FRAGMENTS = {"empty_charset_LEI.dcm", "meta_missing_tsyntax.dcm", "nested_priv_SQ.dcm", "no_preamble_dicm_in_data"}
"""Made to test readers: they say neither what kind of object they are nor hold a picture."""
NOT_OBJECTS = {".py", ".pyc", ".csv", ".json", ".md", ".txt", ".dump", ".gz", ".icc", ".zip"}


def objects(*folders: Path) -> list[Path]:
    files = (file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file())
    return [file for file in files if file.suffix not in NOT_OBJECTS and file.name != "README"]


_CHILD = """
import json, resource, sys, time, warnings
warnings.simplefilter("error")
from pathlib import Path
from capture.acquisition import NoPixels
from capture.dicom.pixels import preview
from capture.dicom.reader import read
from capture.errors import SetAside
from capture.arrival import Arrival
arrival = Arrival("0-0", "0", 0, "dicom", "test", 0)
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in json.load(sys.stdin):
    start = time.perf_counter()
    try:
        acquisition = read(Path(name), arrival)
        picture = preview(acquisition)
        pixels = acquisition.pixels
        said = pixels.code if isinstance(pixels, NoPixels) else "pixels" if picture else "no picture"
    except SetAside as error:
        said = error.code
    took = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base
    print(json.dumps([name, said, took, grown]), flush=True)
"""


@pytest.mark.parametrize("folder", [*PACKAGED, SHARED], ids=["pydicom", "pydicom-data", "shared"])
def test_each_is_read_or_set_aside(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip("the shared data are not here")
    files = [str(file) for file in objects(folder)]
    child = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=json.dumps(files),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stderr == "", "nothing is printed by pydicom or a decoder"
    seen = [json.loads(line) for line in child.stdout.splitlines()]
    assert [name for name, *_ in seen] == files
    allowed = {"pixels", "dicom.unreadable", "dicom.empty", "dicom.empty_object", *NO_PIXELS}
    assert [(name, said) for name, said, *_ in seen if said not in allowed] == []
    assert [name for name, _, took, _ in seen if took > 10] == []
    assert max(grown for *_, grown in seen) < 1_000_000, "kB"
    unreadable = [Path(name).name for name, said, *_ in seen if said == "dicom.unreadable"]
    assert set(unreadable) <= {"no_meta.dcm"}, "this one begins in the middle of an element"
    empty = [Path(name).name for name, said, *_ in seen if said == "dicom.empty_object"]
    assert set(empty) <= FRAGMENTS


@pytest.mark.parametrize(
    "file",
    [file for file in objects(*PACKAGED) if file.name not in {"no_meta.dcm", *FRAGMENTS}],
    ids=lambda file: file.name,
)
@pytest.mark.filterwarnings("ignore")
def test_same_values_and_samples_as_pydicom(file: Path) -> None:
    """Where pydicom can read, we read the same: header values, and modality values of the same frame."""
    acquisition = read(file, factories.arrival_of(file))
    expected = pydicom.dcmread(file, force=True)
    assert [*_different(acquisition, expected)] == []
    pixels = acquisition.pixels
    try:
        frames = int(expected.get("NumberOfFrames") or 1)
        stored = pixel_array(expected, index=frames // 2 if frames > 1 else 0)
    except (AttributeError, ValueError, RuntimeError, NotImplementedError, TypeError):
        return  # no pixels, or pydicom cannot decode them
    assert isinstance(pixels, Pixels), pixels
    assert pixels.values.shape == stored.shape[:2]
    if pixels.color is None:
        modality = apply_modality_lut(stored, expected)
        if "RescaleSlope" not in expected and acquisition.display.RescaleSlope is not None:
            modality = stored * acquisition.display.RescaleSlope + (acquisition.display.RescaleIntercept or 0)
        assert np.allclose(pixels.values, modality.astype(np.float32), rtol=1e-5, atol=1e-3)
    elif expected.PhotometricInterpretation != "PALETTE COLOR":
        assert np.array_equal(pixels.color, stored >> max(0, expected.BitsStored - 8))
    elif expected.original_encoding[1]:  # pydicom 3.0.2 does not swap the palette of a big endian object
        palette = apply_color_lut(stored, expected)
        assert np.array_equal(pixels.color, palette[..., :3] >> (8 * palette.dtype.itemsize - 8))


def test_palette_of_a_big_endian_object_is_that_of_its_little_endian_twin() -> None:
    pictures = []
    for name in ("OBXXXX1A.dcm", "OBXXXX1A_expb.dcm"):
        file = Path(str(get_testdata_file(name)))
        pixels = read(file, factories.arrival_of(file)).pixels
        assert isinstance(pixels, Pixels)
        assert pixels.color is not None
        pictures.append(pixels.color)
    little, big = pictures
    assert np.array_equal(little, big)


COMPUTED = {
    "NumberOfFrames",
    "SequenceOfUltrasoundRegions",
    "TransferSyntaxUID",
    "SpecificCharacterSet",
    "Exposure",
}


def _different(acquisition: Acquisition, expected: pydicom.Dataset) -> list[tuple[str, str]]:
    faulty = {fault.keyword for fault in acquisition.faults}
    found = []
    parts = (
        acquisition.identity,
        acquisition.exam,
        acquisition.technique,
        acquisition.device,
        acquisition.display,
    )
    for part in parts:
        for name in (field.name for field in fields(part)):
            if tag_for_keyword(name) is None or name in COMPUTED or name in faulty:
                continue
            theirs = expected.get(name)
            if theirs not in (None, "", []) and not _same(getattr(part, name), theirs):
                found.append((name, type(theirs).__name__))
    return found


def _same(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, tuple):
        theirs = list(theirs) if isinstance(theirs, MultiValue | list) else [theirs]
        return len(mine) == len(theirs) and all(_same(a, b) for a, b in zip(mine, theirs, strict=True))
    if isinstance(mine, int | float):
        return float(theirs[0] if isinstance(theirs, MultiValue) else theirs) == pytest.approx(mine)
    text = "\\".join(map(str, theirs)) if isinstance(theirs, MultiValue) else str(theirs)
    return " ".join(text.strip().rstrip("\0=").split()) == " ".join((mine or "").rstrip("=").split())


def test_decoders_are_kept_quiet_and_name_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for file in objects(PACKAGED[0])[:40]:
            try:
                acquisition = read(file, factories.arrival_of(file))
            except SetAside:
                continue
            name = acquisition.identity.PatientName
            told = repr((acquisition.faults, acquisition.identity))
            if isinstance(acquisition.pixels, NoPixels):
                told += repr(acquisition.pixels)
            assert not name or len(name) < 4 or name not in told
