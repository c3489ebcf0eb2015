"""Inspection: what is in a folder of films, and what is wrong with it, before hours are spent on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from capture.text import Bilingual
from models.training.manifest import Film, Flaw, parse
from models.training.split import part_of

if TYPE_CHECKING:
    from models.training.task import Part


@dataclass(frozen=True, slots=True)
class Inspection:
    """A folder, looked through."""

    films: tuple[Film, ...]
    """Those without a flaw in their row."""
    flaws: tuple[Flaw, ...]
    patients: int
    with_lungs: int
    counts: Counter[tuple[str, str, Part]]
    """Films by source, view ("" unknown) and part."""


def inspect(where: Path, left_out: Collection[str]) -> Inspection:
    """Read a manifest and open every picture it names.

    Raises:
        Misuse: there is no manifest, or it lacks mandatory columns.
    """
    films, flaws = parse(where)
    rows = {flaw.row for flaw in flaws}
    numbers = (number for number in range(2, len(films) + len(rows) + 2) if number not in rows)
    unreadable = [flaw for number, film in zip(numbers, films, strict=True) for flaw in _look(number, film)]
    return Inspection(
        films=tuple(films),
        flaws=tuple(sorted([*flaws, *unreadable], key=lambda flaw: flaw.row)),
        patients=len({film.patient for film in films}),
        with_lungs=sum(film.lungs is not None for film in films),
        counts=Counter((film.source, film.view, part_of(film, left_out)) for film in films),
    )


def _look(row: int, film: Film) -> Iterator[Flaw]:
    picture = cv2.imread(str(film.path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        hint = Bilingual("转存为 JPEG、PNG 或 TIFF", "store it as JPEG, PNG or TIFF")
        yield Flaw(row, "image", Bilingual("不是可读取的图像", "is no picture that can be read"), hint)
        return
    if film.lungs is None:
        return
    mask = cv2.imread(str(film.lungs), cv2.IMREAD_GRAYSCALE)
    if mask is None or mask.shape != picture.shape[:2]:
        hint = Bilingual("掩膜须为与图像同尺寸的 PNG", "a mask is a PNG of the picture's size")
        yield Flaw(row, "lungs", Bilingual("掩膜与图像不符", "the mask does not fit the picture"), hint)
    elif not {0, 127, 255}.issuperset(mask.flat):
        hint = Bilingual("只能有 0、127、255 三个值", "it may hold 0, 127 and 255 only")
        yield Flaw(row, "lungs", Bilingual("掩膜含有其他值", "the mask holds other values"), hint)
