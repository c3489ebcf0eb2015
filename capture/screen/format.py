"""What a value looks like, learnt from samples a person confirmed: the only guard against a lost decimal point.

A recogniser may be as sure of "2127" as of "21.27" (design capture-ocr.md, 1), and two of them agree on it. What
they cannot know is that this field has two decimals. So a text that looks otherwise than taught is never a value.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from capture.screen.template import FieldKind, Format, ScreenField
from capture.screen.tokens import Number, Token, outline, plain, runs, tokens

_DIGITS = string.digits
_FAMILIES = (
    ("男", "女", "M", "F", "O"),
    ("左", "右", "双", "L", "R", "B"),
    ("冻结", "实时", "FROZEN", "LIVE"),
)
"""Values that come together: who has seen one has to expect the others."""
_DASH_ALONE = frozenset("一_=")
"""What a dash is read as when nothing stands beside it."""
_ALIKE = {"O": "O0", "I": "I1l", "l": "I1l", "S": "S5", "B": "B8", "Z": "Z2"}
"""Letters of a taught word, and what they are read as: the word comes from the template, only numbers are read."""
_MOST_SHAPES = 8
"""A text with more shapes than these is free text."""


def learn(samples: Sequence[str], kind: FieldKind) -> Format:
    """The format that ``samples`` (whole texts as on the screen, with their literals) have in common."""
    given = [" ".join(one.split()) for one in samples if plain(one)]
    there = [plain(one) for one in given]
    if not there:
        return Format()
    if kind == "name":
        return _name(given)
    if kind == "choice":
        return _choice(there)
    learnt = _runs(there, kind) if kind in ("date", "time", "id") else _numbers(there, kind)
    # As written, too: a mask with 2 and without ² makes the reader doubt what it sees well.
    wide = learnt.alphabet and learnt.alphabet + "".join(given)
    return learnt.model_copy(update={"alphabet": "".join(dict.fromkeys(wide))})


def alphabet(field: ScreenField) -> str:
    """The characters the reader may choose from, literals included; "" for any."""
    given = field.format
    if not given.alphabet:
        return ""
    return "".join(dict.fromkeys(given.alphabet + given.prefix + given.suffix + given.separators))


def value(field: ScreenField, text: str) -> str | None:
    """The value in ``text`` (as read, with literals) when it looks as taught, else None.

    Half width and without spaces; only names and free text keep theirs.
    """
    found = _value(field, text)
    return dict(field.format.read_as).get(plain(text if found is None else found), found)


def _value(field: ScreenField, text: str) -> str | None:
    given, read = field.format, plain(text)
    if not read:
        return None
    if field.kind == "choice":
        said = "-" if read in _DASH_ALONE else read
        return said if said in map(plain, given.choices) else None
    if given.shapes:
        return next((one for shape in given.shapes if (one := _in_shape(read, shape)) is not None), None)
    inner = _without_literals(read, given)
    if inner is None:
        return None
    if field.kind == "number":
        return inner if _fits_number(inner, given) else None
    if field.kind in ("date", "time", "id"):
        return _with_own(given, field.kind, inner) if _fits_runs(inner, field.kind, given) else None
    spaced = " ".join(text.split()) if inner == read else inner
    return spaced if not given.separators or {*given.separators} & {*spaced} else None


def whole(given: Format, kind: FieldKind, text: str) -> str:
    """A value as it stands on the screen, with the literals that :func:`value` takes off."""
    own = _own(given, kind)
    return given.prefix.removesuffix(own[0]) + text + given.suffix.removeprefix(own[1])


def shape(text: str) -> str:
    """What is kept of an identifying sample: digits as 0, letters as A, Chinese characters as 中."""
    return "".join(map(_shaped, text))


def _shaped(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isascii():
        return "A" if character.isalpha() else character
    return "中" if character.isalpha() else character


def _choice(samples: list[str]) -> Format:
    choices = dict.fromkeys(samples)
    for family in _FAMILIES:
        if choices.keys() & set(family):
            choices |= dict.fromkeys(family)
    choices |= {"-": None}
    return Format(choices=tuple(choices))


def _name(samples: list[str]) -> Format:
    joiners = next((one for one in ("^", ",", "^, ") if all({*one} & {*sample} for sample in samples)), "")
    letters = ""
    if all(sample.isascii() for sample in samples):
        letters = string.ascii_uppercase + "^,.'- "
        if any(sample != sample.upper() for sample in samples):
            letters += string.ascii_lowercase
    return Format(separators=joiners, alphabet=letters)


def _runs(samples: list[str], kind: FieldKind) -> Format:
    """Runs of digits with what stands between them: dates, times, numbers of patients and exams."""
    found = [runs(sample) for sample in samples]
    lengths = {one[0] for one in found}
    between = {one[1][1:-1] for one in found}
    separators = next(iter(between)) if len(between) == 1 else ()
    plainly = all(len(one) == 1 for one in separators)
    letters = "".join(dict.fromkeys("".join("".join(one[1]) for one in found)))
    letters += string.ascii_uppercase + "-" if kind == "id" else "-/.:年月日时分秒"
    return Format(
        prefix=_same([one[1][0] for one in found]),
        suffix=_same([one[1][-1] for one in found]) if len(next(iter(lengths))) else "",
        digits=next(iter(lengths)) if len(lengths) == 1 and plainly and len(between) == 1 else (),
        separators="".join(separators) if plainly else "",
        alphabet="".join(dict.fromkeys(_DIGITS + letters)),
    )


def _numbers(samples: list[str], kind: FieldKind) -> Format:
    found = [tokens(sample) for sample in samples]
    if not any(isinstance(one, Number) for row in found for one in row):
        return Format()
    rows = _folded(found)
    pattern = {tuple(one if isinstance(one, str) else "" for one in row) for row in rows}
    if kind == "number" and len(pattern) == 1 and sum(isinstance(one, Number) for one in rows[0]) == 1:
        return _one_number(rows)
    shapes = dict.fromkeys(outline(row) for row in found)
    if len(shapes) > _MOST_SHAPES:
        return Format()
    letters = _DIGITS + ".+-" + "".join(shapes) if kind == "number" else ""
    return Format(shapes=tuple(shapes), alphabet="".join(dict.fromkeys(letters)))


def _folded(found: list[tuple[Token, ...]]) -> list[tuple[Token, ...]]:
    """With single digits that are the same in every sample as words: "1 L 74.5 mm", "0.625:1"."""
    if len({tuple(map(type, row)) for row in found}) > 1 or len(found) < 2:
        return found
    fixed = {
        k
        for k, column in enumerate(zip(*found, strict=True))
        if len({one if isinstance(one, str) else one.text for one in column}) == 1
        and isinstance(column[0], Number)
        and len(column[0].text) == 1
    }
    if all(k in fixed for k, one in enumerate(found[0]) if isinstance(one, Number)):
        return found
    return [_joined(row, fixed) for row in found]


def _joined(row: tuple[Token, ...], fixed: set[int]) -> tuple[Token, ...]:
    made: list[Token] = []
    for k, one in enumerate(row):
        said = one.text if k in fixed and isinstance(one, Number) else one
        if isinstance(said, str) and made and isinstance(made[-1], str):
            made[-1] += said
        else:
            made.append(said)
    return tuple(made)


def _one_number(rows: list[tuple[Token, ...]]) -> Format:
    at = next(k for k, one in enumerate(rows[0]) if isinstance(one, Number))
    numbers = [one for row in rows if isinstance(one := row[at], Number)]
    prefix = "".join(one for one in rows[0][:at] if isinstance(one, str))
    suffix = "".join(one for one in rows[0][at + 1 :] if isinstance(one, str))
    lengths = {one.whole for one in numbers}
    return Format(
        prefix=prefix,
        suffix=suffix,
        digits=tuple(sorted(lengths)) if any(one.padded for one in numbers) else (),
        decimals=tuple(sorted({one.decimals for one in numbers})),
        separators="+" if any(one.text.startswith("+") for one in numbers) else "",
        # The point and the signs stay even where no sample has them: a mask without them would hide a change.
        alphabet=_DIGITS + ".+-" + "".join(dict.fromkeys(prefix + suffix)),
    )


def _in_shape(read: str, shape: str) -> str | None:
    """``read`` with the words of ``shape`` ("LAO0.0°"), or None."""
    pattern, words = "", re.split(r"(0(?:\.0+)?)", shape)
    for k, word in enumerate(words):
        if k % 2:
            decimals = len(word) - 2
            pattern += r"([+-]?\d+" + (rf"\.\d{{{decimals}}})" if decimals > 0 else ")")
        else:
            pattern += "".join(f"[{_ALIKE[one]}]" if one in _ALIKE else re.escape(one) for one in word)
    match = re.fullmatch(pattern, read)
    if match is None:
        return None
    return "".join(match[(k + 1) // 2] if k % 2 else word for k, word in enumerate(words))


def _own(given: Format, kind: FieldKind) -> tuple[str, str]:
    """What of the literals belongs to the value: the P of P0045127 does, "ID:" before it does not."""
    if kind != "id":
        return "", ""
    before, after = re.search(r"[A-Za-z0-9]*$", given.prefix), re.match(r"[A-Za-z0-9]*", given.suffix)
    return before[0] if before else "", after[0] if after else ""


def _with_own(given: Format, kind: FieldKind, inner: str) -> str:
    before, after = _own(given, kind)
    return before + inner + after


def _same(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else ""


def _without_literals(read: str, given: Format) -> str | None:
    """What stands between the literals. A word of four letters may have one wrong, a shorter one none."""
    prefix, suffix = plain(given.prefix), plain(given.suffix)
    if read.startswith(prefix) and read.endswith(suffix) and len(read) > len(prefix) + len(suffix):
        return read[len(prefix) : len(read) - len(suffix)]
    row = tokens(read)
    at = next((k for k, one in enumerate(row) if isinstance(one, Number)), None)
    if at is None or any(isinstance(one, Number) for one in row[at + 1 :]) or _has_digit(prefix + suffix):
        return None
    before, number, after = "".join(map(str, row[:at])), row[at], "".join(map(str, row[at + 1 :]))
    if _alike(before, prefix) and _alike(after, suffix) and isinstance(number, Number):
        return number.text
    return None


def _has_digit(text: str) -> bool:
    return any(one.isdigit() for one in text)


def _alike(read: str, literal: str) -> bool:
    return _distance(read, literal) <= len(literal) // 4


def _distance(a: str, b: str) -> int:
    """Levenshtein's."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (one != other))
    return row[-1]


def _fits_number(inner: str, given: Format) -> bool:
    row = tokens(inner)
    if len(row) != 1 or not isinstance(row[0], Number):
        return False
    number = row[0]
    if given.decimals and number.decimals not in given.decimals:
        return False
    if given.digits and number.whole not in given.digits:
        return False
    if number.padded and not given.digits:
        return False
    return not ("+" in given.separators and not number.signed and float(number.text) != 0)


def _fits_runs(inner: str, kind: FieldKind, given: Format) -> bool:
    lengths, between = runs(inner)
    if given.digits and (lengths != given.digits or "".join(between[1:-1]) != given.separators):
        return False
    if kind == "date":
        return _is_date(inner)
    if kind == "time":
        return _is_time(inner)
    return set(inner) <= set(given.alphabet) if given.alphabet else True


def _is_date(text: str) -> bool:
    """A day of a calendar, whichever of day and month stands first."""
    parts = [int(one) for one in re.findall(r"\d+", text)]
    if len(text) == 8 and text.isdecimal():
        parts = [int(text[:4]), int(text[4:6]), int(text[6:])]
    if len(parts) < 3:
        return False
    year, *rest = sorted(parts[:3], key=lambda one: one < 1000)
    return 1850 <= year <= 2200 and 1 <= min(rest) <= 12 and 1 <= max(rest) <= 31


def _is_time(text: str) -> bool:
    """Hours, minutes and seconds, or minutes and seconds of fluoroscopy."""
    parts = [int(one) for one in re.findall(r"\d+", text)]
    return len(parts) >= 2 and all(one < 60 for one in parts[1:3]) and (len(parts) < 3 or parts[0] < 24)
