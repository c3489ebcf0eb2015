"""Whether a text says who it is: as screens write it, and as OCR misreads it."""

from __future__ import annotations

import pytest

from capture.redaction.known import forms, says


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ("ZHAO^MIN", "Name: ZHAO MIN  F"),
        ("ZHAO^MIN", "MIN ZHAO"),
        ("Li^Wei", "LIWEI"),
        ("Li^Wei", "LI WEI 57Y"),
        ("Wang^XiaoDong=王^小东", "王小东"),
        ("Wang^XiaoDong=王^小东", "患者:王小东 男"),
        ("常国伟", "常国伟"),
        ("常国伟", "常围伟"),  # one of three characters misread
        ("00412788", "ID 00412788"),
        ("00412788", "ID OO4I2788"),  # letters for digits
        ("00412788", "ID 0041278"),  # the last one cut off
        ("P-0012345", "P0012345"),
        ("19900315", "1990-03-15"),
        ("19900315", "15.03.1990"),
        ("19900315", "03/15/1990"),
        ("1990-03-15", "19900315"),
        ("Müller^Jörg", "MULLER JORG"),
        ("ＡＢＣ１２３", "abc123"),
    ],
)
def test_it_says_who_it_is(known: str, shown: str) -> None:
    assert says(shown, forms([known]))


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ("ZHAO^MIN", "MI 1.1 TIS 0.8"),
        ("Li^Wei", "LIVER"),
        ("王^伟", "王冠"),
        ("00412788", "81 kV 3.20 mAs"),
        ("19900315", "2026-11-22"),
        ("", "anything"),
        ("^^", "anything"),
    ],
)
def test_it_says_nothing(known: str, shown: str) -> None:
    assert not says(shown, forms([known]))


def test_a_long_value_takes_no_long_time() -> None:
    assert not says("a" * 500, forms(["b" * 100_000]))
