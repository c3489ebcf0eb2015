"""Manifest: a folder of films described by one CSV file, read row by row and checked.

Columns (more may be there and are ignored):

=================  =========  ===================================================================================
image              mandatory  path of the picture, relative to the manifest (JPEG, PNG or TIFF)
source             mandatory  where it comes from (hospital, device, data set); cross-source figures rest on it
tier               mandatory  ``open``: weights may be shipped; ``nc``: never trained on, evaluation only
licence            mandatory  licence or permission, in words
patient            wanted     pseudonym; without it the file name is taken (by the pattern of a source we know)
dup_group          optional   the same text on films that show the same exposure: kept on one side of the split
view               optional   ``PA``, ``AP`` (also ``AP Supine``), ``L``
age_group          optional   ``adult``, ``child``, or ``age 57``
body_part          optional   as DICOM writes it, ``CHEST`` when the column is absent
label              optional   finding in words
lungs              optional   mask PNG: 0 background, 127 not to be judged, 255 lung
lung_touches_*     optional   1 where the mask reaches ``top``, ``bottom``, ``left``, ``right``
width, height      optional   of the picture, in pixels
=================  =========  ===================================================================================
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual

NAME = "manifest.csv"
MANDATORY = ("image", "source", "tier", "licence")
TIERS = ("open", "nc")
VIEWS = {"PA": "PA", "AP": "AP", "AP SUPINE": "AP", "L": "L", "LATERAL": "L", "LL": "L", "RL": "L", "": ""}
SIDES = ("top", "bottom", "left", "right")
GROWN_UP = 16.0
"""Years. Below it ``age 12`` counts as child: the age at which paediatric exposure charts usually end (E)."""

PATIENT_IN_NAME = {
    "kermany_v7_full": re.compile(r"((?:NORMAL2-)?IM-\d+|person\d+)"),
    "nih_subset": re.compile(r"(\d{8})_\d{3}"),
    # Figures of one case differ by what follows the first number, "_jumbo", "-day3" or "-PA".
    "ieee8023": re.compile(r"(\d{5,6}(?=[-_])|[0-9a-f]{20,}(?=_jumbo)|.+?(?=[-_]?day-?\d|-(?:PA|pa|AP|L)\b)|.+)"),
}
"""Where sources without a patient column have the patient in the file name."""
SHARED_NAMES = frozenset({"hannover", "ieee8023"})
"""Sources that took films over from each other under the same file name: 104 of Hannover's are in ieee8023, and
its ``dup_group`` links 15 of them only."""


@dataclass(frozen=True, slots=True)
class Film:
    """One picture of the manifest. "" and None: the manifest does not say."""

    path: Path
    source: str
    patient: str
    """Unique over all sources: ``source/pseudonym``."""
    group: str
    """Films that must stay together: the same patient, or joined by ``dup_group``."""
    kin: frozenset[str]
    """Sources of the films of its group: more than one where a data set was taken over into another."""
    tier: str
    licence: str
    view: str
    age_group: str
    age: float | None
    """Years."""
    body_part: str
    label: str
    lungs: Path | None
    touches: frozenset[str]
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one row (1 is the header), and what to do."""

    row: int
    column: str
    text: Bilingual
    hint: Bilingual


def read_manifest(where: Path) -> list[Film]:
    """The films of a folder with ``manifest.csv``, or of a manifest file of another name.

    Raises:
        Misuse: there is no manifest, or rows of it cannot be used (the first five are quoted).
    """
    films, flaws = parse(where)
    if flaws:
        lines = [f"{flaw.row}/{flaw.column}" for flaw in flaws[:5]]
        raise Misuse(
            "training.manifest",
            Bilingual(
                f"清单有 {len(flaws)} 处错误（行/列）：{'，'.join(lines)}",
                f"The manifest has {len(flaws)} errors (row/column): {', '.join(lines)}",
            ),
            Bilingual("用 qcbox-train manifest 查看每一行的说明", "see every row with: qcbox-train manifest"),
        )
    return films


def parse(where: Path) -> tuple[list[Film], list[Flaw]]:
    """Films and flaws of a manifest, groups joined. Raises Misuse when there is nothing to read."""
    file = where / NAME if where.is_dir() else where
    films: list[Film] = []
    flaws: list[Flaw] = []
    joins: list[str] = []
    for number, row in enumerate(_rows(file), start=2):
        wrong = list(_flaws(number, row, file.parent))
        flaws += wrong
        if not wrong:
            films.append(_film(row, file.parent))
            joins.append(row.get("dup_group", ""))
    return _grouped(films, joins), flaws


def _rows(file: Path) -> Iterator[Mapping[str, str]]:
    if not file.is_file():
        raise Misuse(
            "training.no_manifest",
            Bilingual(f"没有清单文件 {file}", f"There is no manifest {file}"),
            Bilingual("建立一个 CSV，列见手册《训练》", "write a CSV; its columns are in the handbook, Training"),
        )
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, restval="")
        missing = [name for name in MANDATORY if name not in (reader.fieldnames or ())]
        if missing:
            raise Misuse(
                "training.manifest_columns",
                Bilingual(
                    f"清单缺少列：{'，'.join(missing)}", f"The manifest lacks columns: {', '.join(missing)}"
                ),
                Bilingual("第一行必须是列名", "the first line must hold the column names"),
            )
        for row in reader:
            yield {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}


def _flaws(number: int, row: Mapping[str, str], folder: Path) -> Iterator[Flaw]:
    for name in MANDATORY:
        if not row[name]:
            yield Flaw(number, name, Bilingual("为空", "is empty"), Bilingual("必填", "it must be filled in"))
    if row["tier"] not in ("", *TIERS):
        yield Flaw(
            number,
            "tier",
            Bilingual("不是 open 或 nc", "is neither open nor nc"),
            Bilingual("open：可用于训练；nc：仅评估", "open: may be trained on; nc: evaluation only"),
        )
    for name in ("image", "lungs"):
        if row.get(name) and not (folder / row[name]).is_file():
            hint = Bilingual("路径相对于清单所在文件夹", "paths are relative to the manifest's folder")
            yield Flaw(number, name, Bilingual("文件不存在", "no such file"), hint)
    if row.get("view", "").upper() not in VIEWS:
        hint = Bilingual("可用：PA、AP、L，或留空", "use PA, AP, L, or leave it empty")
        yield Flaw(number, "view", Bilingual("未知的体位", "unknown view"), hint)


def _film(row: Mapping[str, str], folder: Path) -> Film:
    age_group, age = _age(row.get("age_group", ""))
    patient = f"{row['source']}/{row.get('patient') or _patient_in_name(row['source'], Path(row['image']).stem)}"
    return Film(
        path=folder / row["image"],
        source=row["source"],
        patient=patient,
        group=patient,
        kin=frozenset(),
        tier=row["tier"],
        licence=row["licence"],
        view=VIEWS[row.get("view", "").upper()],
        age_group=age_group,
        age=age,
        body_part=row.get("body_part") or "CHEST",
        label=row.get("label", ""),
        lungs=folder / row["lungs"] if row.get("lungs") else None,
        touches=frozenset(side for side in SIDES if row.get(f"lung_touches_{side}") == "1"),
        width=int(row["width"]) if row.get("width", "").isdigit() else None,
        height=int(row["height"]) if row.get("height", "").isdigit() else None,
    )


def _patient_in_name(source: str, stem: str) -> str:
    pattern = PATIENT_IN_NAME.get(source)
    found = pattern.match(stem) if pattern else None
    return found.group(1) if found else stem


def _age(text: str) -> tuple[str, float | None]:
    stated = re.search(r"age (\d+(?:\.\d+)?)", text)
    age = float(stated.group(1)) if stated else None
    if "child" in text:
        return "child", age
    if "adult" in text:
        return "adult", age
    if age is None:
        return "", None
    return ("child" if age < GROWN_UP else "adult"), age


def _grouped(films: list[Film], joins: list[str]) -> list[Film]:
    """Union-find over patients, duplicate groups and shared names; a group has the name of its first patient."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for film, join in zip(films, joins, strict=True):
        keys = [f"0{film.patient}"] + [f"1{join}"] * bool(join)
        keys += [f"2{film.path.stem}"] * (film.source in SHARED_NAMES)
        first, *others = sorted({root(key) for key in keys})
        parent.update(dict.fromkeys(others, first))
    roots = [root(f"0{film.patient}") for film in films]
    kin: dict[str, set[str]] = {}
    for film, top in zip(films, roots, strict=True):
        kin.setdefault(top, set()).add(film.source)
    return [replace(film, group=top[1:], kin=frozenset(kin[top])) for film, top in zip(films, roots, strict=True)]
