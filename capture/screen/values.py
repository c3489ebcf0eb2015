"""Texts of a screen as DICOM's values: dates without dashes, ages as AS, sexes and sides as their codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from capture.screen.template import ScreenField
from capture.screen.units import convert

Plain = str | float

_SEX = {"M": "M", "男": "M", "MALE": "M", "F": "F", "女": "F", "FEMALE": "F", "O": "O", "其他": "O"}
_SIDE = {"L": "L", "左": "L", "LEFT": "L", "R": "R", "右": "R", "RIGHT": "R", "B": "B", "双": "B", "双侧": "B"}
_AGE = {"岁": "Y", "Y": "Y", "YR": "Y", "YRS": "Y", "月": "M", "个月": "M", "M": "M", "周": "W", "W": "W",
        "天": "D", "日": "D", "D": "D"}  # fmt: skip
_BODY = {
    "胸": "CHEST", "CHEST": "CHEST", "腹": "ABDOMEN", "ABDOMEN": "ABDOMEN", "骨盆": "PELVIS", "PELVIS": "PELVIS",
    "颈椎": "CSPINE", "C-SPINE": "CSPINE", "胸椎": "TSPINE", "T-SPINE": "TSPINE",
    "腰椎": "LSPINE", "L-SPINE": "LSPINE",
    "头颅": "SKULL", "SKULL": "SKULL", "膝": "KNEE", "KNEE": "KNEE", "肩": "SHOULDER", "SHOULDER": "SHOULDER",
    "肘": "ELBOW", "ELBOW": "ELBOW", "腕": "WRIST", "WRIST": "WRIST", "踝": "ANKLE", "ANKLE": "ANKLE",
    "髋": "HIP", "HIP": "HIP", "手": "HAND", "HAND": "HAND", "足": "FOOT", "FOOT": "FOOT",
}  # fmt: skip
"""Words of consoles for parts; a text that holds the words of two parts stands as it is."""
_VIEWS = ("PA", "AP", "LL", "RL", "LLD", "RLD", "LLO", "RLO")
"""PS3.3 C.8.11.5.1.1 and C.8.1.2: View Position."""


def plain(field: ScreenField, text: str) -> Plain | None:
    """The value a DICOM object would have; None when the text says nothing that it could.

    A date whose order cannot be told (02/03/2024) is None: nothing is guessed.
    """
    said = text.strip()
    if not said:
        return None
    special = _SPECIAL.get(field.keyword)
    if special is not None:
        return special(said)
    if field.kind == "number":
        return _number(field, said)
    if field.kind == "date":
        return _date(said)
    if field.kind == "time":
        return _time(said)
    return said


def _number(field: ScreenField, said: str) -> float | None:
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", said):
        return None
    return convert(field.keyword, float(said), field.unit)


def _date(said: str) -> str | None:
    """DA: YYYYMMDD, if the year comes first or the day cannot be a month."""
    runs = re.findall(r"\d+", said)
    if len(runs) == 1 and len(runs[0]) == 8:
        runs = [runs[0][:4], runs[0][4:6], runs[0][6:]]
    if len(runs) != 3 or len(runs[0]) != 4:
        return None
    year, month, day = (int(run) for run in runs)
    fits = 1 <= month <= 12 and 1 <= day <= 31
    return f"{year:04d}{month:02d}{day:02d}" if fits else None


def _time(said: str) -> str | None:
    """TM: HHMM or HHMMSS."""
    runs = re.findall(r"\d+", said)
    if len(runs) not in (2, 3) or any(len(run) > 2 for run in runs):
        return None
    hours, minutes, *seconds = (int(run) for run in runs)
    if hours > 23 or minutes > 59 or any(s > 60 for s in seconds):
        return None
    return f"{hours:02d}{minutes:02d}" + "".join(f"{s:02d}" for s in seconds)


def _age(said: str) -> str | None:
    """AS: 057Y. A bare number is years."""
    found = re.fullmatch(r"0*(\d{1,3})\s*([^\d\s]*)", said.upper())
    unit = _AGE.get(found[2] or "Y") if found else None
    return f"{int(found[1]):03d}{unit}" if found and unit else None


def _view(said: str) -> str | None:
    """ViewPosition's codes as they are or among other words ("CHEST PA"); other words as they stand."""
    # Readers lose spaces: CHESTPA.
    apart = re.sub("|".join(_BODY), " ", said.upper())
    codes = [word for word in re.findall(r"[A-Z]+", apart) if word in _VIEWS]
    return codes[0] if len(set(codes)) == 1 else said


def _body(said: str) -> str:
    """The term of PS3.16 Annex L that one of the words stands for; other words as they are."""
    words = [word for word in _BODY if word in said.upper()]
    # 胸椎 is a spine, though a chest is in it.
    found = {_BODY[word] for word in words if not any(word != other and word in other for other in words)}
    return next(iter(found)) if len(found) == 1 else said


def _one_of(table: Mapping[str, str]) -> Callable[[str], str | None]:
    return lambda said: table.get(said.upper())


_SPECIAL: Mapping[str, Callable[[str], Plain | None]] = {
    "PatientSex": _one_of(_SEX),
    "ImageLaterality": _one_of(_SIDE),
    "Laterality": _one_of(_SIDE),
    "PatientAge": _age,
    "ViewPosition": _view,
    "BodyPartExamined": _body,
}
