"""Mutated objects: the reader answers each with an Acquisition or a set-aside, names nobody, and stays small.

Mutants are made in a child process, because a decoder that crashes takes its process along; the seed is fixed,
so that mutant number n is always the same.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from capture.acquisition import NO_PIXELS, NoPixels
from capture.arrival import Arrival
from capture.dicom.items import Item
from capture.dicom.part10 import open_object
from capture.dicom.pixels import preview
from capture.dicom.reader import ReadOptions, read
from capture.errors import SetAside
from tests import factories

REAL = """
JPEG2000 JPGExtended JPEG-lossy JPEG-LL JPEGLSNearLossless_08 HTJ2K_08_RGB SC_rgb_jpeg_dcmtk
SC_rgb_rle_16bit_2frame SC_ybr_full_422_uncompressed examples_palette emri_small_jpeg_ls_lossless
eCT_Supplemental nested_priv_SQ UN_sequence reportsi rtplan liver_1frame image_dfl bad_sequence
chrX2 chrH32 chrKoreanMulti
"""
LARGEST = 80_000
MUTANTS = 20_000

Span = tuple[int, int]
"""Start and end of the value of an element."""


def corpus(folder: Path) -> list[bytes]:
    """Small objects of every kind; the sentinel is the patient of those we make."""
    syntaxes = (
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    )
    makers: tuple[Callable[..., Dataset], ...] = (factories.dx, factories.ct, factories.us)
    rng = np.random.default_rng(3)
    found = []
    for number, syntax in enumerate(syntaxes):
        for maker in makers:
            shape = (34, 36, 3) if maker is factories.us else (34, 36)
            pixels = rng.integers(0, 250, shape).astype(np.uint8 if maker is factories.us else np.uint16)
            path = factories.write(maker(pixels), folder / f"{number}", syntax)
            found.append(path.read_bytes())
    for report in (factories.ct_dose_report, factories.projection_dose_report):
        found.append(factories.write(report(), folder / "sr").read_bytes())
    for name in REAL.split():
        file = get_testdata_file(f"{name}.dcm", download=False)
        if file and Path(str(file)).stat().st_size < LARGEST:
            found.append(Path(str(file)).read_bytes())
    return found


def places(folder: Path, content: bytes) -> list[Span]:
    """(start, end) of the values of all top-level elements, as far as the object is not deflated."""
    path = folder / "whole"
    path.write_bytes(content)
    data_set: Item = open_object(path, 1 << 24, 100_000).data_set
    if bytes(data_set.source.buffer[:132]) != content[:132]:
        return [(132, len(content))]
    return [(element.start, element.end) for element in data_set.elements.values()]


Mutation = Callable[[random.Random, bytearray, Span], None]


def flip(rng: random.Random, whole: bytearray, span: Span) -> None:
    for _ in range(rng.randint(1, 8)):
        whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)


def flip_value(rng: random.Random, whole: bytearray, span: Span) -> None:
    start, end = span
    if start < end <= len(whole):
        whole[rng.randrange(start, end)] = rng.randrange(256)


def break_header(rng: random.Random, whole: bytearray, span: Span) -> None:
    at = max(0, span[0] - rng.randint(1, 12))
    whole[at : at + 1] = bytes([rng.randrange(256)])


def break_length(rng: random.Random, whole: bytearray, span: Span) -> None:
    start, end = span
    size = rng.choice((2, 4))
    length = rng.choice((0, 1, 7, end - start + 2, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, len(whole)))
    whole[start - size : start] = (length % (1 << 8 * size)).to_bytes(size, "little")


def cut(rng: random.Random, whole: bytearray, span: Span) -> None:
    del whole[rng.randrange(1, len(whole)) :]


def delete(rng: random.Random, whole: bytearray, span: Span) -> None:
    del whole[span[0] : span[0] + rng.randint(1, 40)]


def insert(rng: random.Random, whole: bytearray, span: Span) -> None:
    whole[span[0] : span[0]] = rng.randbytes(rng.randint(1, 40))


def fill(rng: random.Random, whole: bytearray, span: Span) -> None:
    start, end = span
    whole[start:end] = bytes(rng.choice((0, 0xFF, 0x5C, 0x2E, 0x39)) for _ in range(end - start))


MUTATIONS: tuple[Mutation, ...] = (
    *(flip, flip_value, flip_value, flip_value, break_header, break_length, cut, delete, insert, fill),
)


def mutant(rng: random.Random, content: bytes, spans: list[Span], others: list[bytes]) -> bytes:
    """An object with one to three mutations, or with elements swapped, or with the end of another object."""
    whole = bytearray(content)
    kind = rng.random()
    if kind < 0.05:
        other = rng.choice(others)
        return bytes(whole[: rng.randrange(1, len(whole))] + other[rng.randrange(len(other)) :])
    if kind < 0.15:
        (start, end), (from_, to) = rng.choice(spans), rng.choice(spans)
        whole[start - 8 : end] = content[from_ - 8 : to]
    for _ in range(rng.randint(1, 3)):
        if len(whole) > 1:
            rng.choice(MUTATIONS)(rng, whole, rng.choice(spans))
    return bytes(whole) or b"\0"


def run(folder: Path, seed: int, first: int, count: int) -> None:
    """In the child: mutants ``first`` to ``first + count``, one line of JSON at the end."""
    objects = corpus(folder)
    values = [places(folder, content) for content in objects]
    said: Counter[str] = Counter()
    slowest, wrong = (0.0, 0), []
    path = folder / "mutant"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, first + count):
        rng = random.Random(seed * 1_000_003 + number)
        at = rng.randrange(len(objects))
        path.write_bytes(mutant(rng, objects[at], values[at], objects))
        (folder / "number").write_text(str(number))
        start = time.perf_counter()
        code, told = answer(path)
        slowest = max(slowest, (time.perf_counter() - start, number))
        said[code] += 1
        if code.startswith("!") or names_somebody(told):
            wrong.append([number, code, told[:300]])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"said": said, "slowest": slowest, "wrong": wrong, "grown_kb": grown}))


def names_somebody(told: str) -> bool:
    return any(secret in told for secret in ("SENTINEL", factories.SENTINEL_ID))


def answer(path: Path) -> tuple[str, str]:
    """What came of a mutant, and every text that may go to a log or a page."""
    arrival = Arrival("0-0", "0", 0, "dicom", "test", 0)
    try:
        acquisition = read(path, arrival, ReadOptions(max_pixels=4_000_000, max_inflated=16_000_000))
        picture = preview(acquisition, 200)
    except SetAside as error:
        return error.code, str(error) + error.say("zh")
    except Exception as error:  # noqa: BLE001 - that is what we look for
        return f"!{type(error).__name__}", repr(error)
    told = repr((acquisition.faults, acquisition.identity))
    if isinstance(acquisition.pixels, NoPixels):
        known = acquisition.pixels.code in NO_PIXELS
        return ("" if known else "!") + acquisition.pixels.code, told + acquisition.pixels.detail
    return ("pixels" if picture else "!no picture"), told


@pytest.mark.slow
def test_mutants(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.property.test_reader_fuzz", str(tmp_path), "2026", "0"]
    child = subprocess.run([*command, str(MUTANTS)], capture_output=True, text=True, timeout=1800)
    number = (tmp_path / "number").read_text()
    assert child.returncode == 0, f"mutant {number}: {child.stderr[-1500:]}"
    assert child.stderr == ""
    report = json.loads(child.stdout)
    print(MUTANTS, "mutants:", report)
    assert report["wrong"] == []
    assert sum(report["said"].values()) == MUTANTS
    assert report["slowest"][0] < 10
    assert report["grown_kb"] < 1_000_000
    assert report["said"]["pixels"] > MUTANTS // 20, "mutants of the outermost shell test little"
    assert report["said"]["truncated"] > 0
    assert report["said"]["decode_failed"] > 0


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
