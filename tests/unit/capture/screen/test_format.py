"""Formats: what is learnt from samples, and what is no value any more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from capture.screen.format import alphabet, learn, shape, value
from capture.screen.template import Box, FieldKind, Format, ScreenField
from capture.screen.tokens import plain


def field(kind: FieldKind, samples: Sequence[str]) -> ScreenField:
    return ScreenField(keyword="KVP", box=Box(x=0, y=0, w=9, h=9), kind=kind, format=learn(samples, kind))


@pytest.mark.parametrize(
    ("kind", "samples", "text", "expected"),
    [
        ("number", ["74.66", "8.10"], "12.50", "12.50"),
        ("number", ["125", "81"], "99", "99"),
        ("number", ["+0.5"], "-1.2", "-1.2"),
        ("number", ["33岁", "57岁"], "8 岁", "8"),
        ("number", ["068Y", "50Y"], "007Y", "007"),
        ("number", ["F 3.3 MHz", "F 7.2 MHz"], "F 5.0 MHz", "5.0"),
        ("number", ["1 L 74.5 mm", "1 L 15.8 mm"], "1 L 9.1 mm", "9.1"),
        ("number", ["Dist 2.99 cm"], "Dst 3.14 cm", "3.14"),
        ("number", ["0.625:1", "0.992:1"], "1.375:1", "1.375"),
        ("number", ["W 788 L -460", "W 350 L 40"], "W 1500 L -600", "W1500L-600"),
        ("number", ["G 54 %"], "Ｇ　54　％", "54"),
        ("date", ["2024-02-26", "2025-11-03"], "2026-01-31", "2026-01-31"),
        ("date", ["2024年02月26日"], "2026年10月07日", "2026年10月07"),
        ("time", ["07:49:35"], "23:59:59", "23:59:59"),
        ("time", ["12:26"], "49:34", "49:34"),
        ("id", ["DX2511210029", "DX2511210851"], "DX2611210001", "DX2611210001"),
        ("id", ["P0045127", "P0038866"], "P0051290", "P0051290"),
        ("id", ["ID: P0045127", "ID: P0038866"], "ID: P0051290", "P0051290"),
        ("id", ["ID:0045127", "ID:0038866"], "ID:0051290", "0051290"),
        ("id", ["P6160107", "07151396"], "Q1234567", "Q1234567"),
        ("name", ["ZHENG^MEILING", "HU^XINYI"], "MA^ANNE-MARIE", "MA^ANNE-MARIE"),
        ("name", ["罗洋欣"], "欧阳 修", "欧阳 修"),
        ("choice", ["男"], "女", "女"),
        ("choice", ["L"], "一", "-"),
        ("text", ["LAO 45°", "RAO 10°"], "LA0 7°", "LAO7°"),
        ("text", ["胸部正位"], "KNEE L  AP", "KNEE L AP"),
    ],
)
def test_what_looks_as_taught_is_a_value(kind: FieldKind, samples: list[str], text: str, expected: str) -> None:
    assert value(field(kind, samples), text) == expected


@pytest.mark.parametrize(
    ("kind", "samples", "text"),
    [
        ("number", ["74.66"], "7466"),
        ("number", ["74.66", "8.10"], "81.0"),
        ("number", ["125"], "12.5"),
        ("number", ["+0.5"], "0.5"),
        ("number", ["125"], "0125"),
        ("number", ["125"], "12S"),
        ("number", ["45°"], "450"),
        ("number", ["G 54 %"], "G 326"),
        ("number", ["LAO 45"], "RAO 45"),
        ("number", ["W 788 L -460", "W 350 L 40"], "W 15.0 L -600"),
        ("number", ["125"], "---"),
        ("date", ["2024-02-26"], "20240226"),
        ("date", ["2024-02-26"], "2024-13-32"),
        ("date", ["2024-02-26"], "2024-2-26"),
        ("time", ["07:49:35"], "07:61:35"),
        ("time", ["07:49:35"], "074935"),
        ("id", ["0009663134"], "000966313"),
        ("name", ["ZHENG^MEILING"], "ZHENGMEILING"),
        ("choice", ["男"], "甲"),
        ("text", ["LAO 45°"], "LAO 45"),
        ("text", ["LAO 45°"], "LAO 4.5°"),
        ("text", ["LAO 45°"], ""),
    ],
)
def test_what_looks_otherwise_is_none(kind: FieldKind, samples: list[str], text: str) -> None:
    assert value(field(kind, samples), text) is None


def test_a_sample_is_always_a_value_of_its_own_format() -> None:
    for kind, samples in (
        ("number", ["2 A 47.94 cm²", "2 A 8.49 cm²"]),
        ("id", ["US-20260103-560", "DX25112100293"]),
        ("text", ["FC08", "Br40d"]),
        ("date", ["25/12/2025", "2024-02-26"]),
    ):
        taught = field(kind, samples)  # type: ignore[arg-type]  # a table of both
        assert all(value(taught, sample) is not None for sample in samples)


@given(st.decimals(min_value=1, max_value=99999, places=2, allow_nan=False))
def test_a_lost_point_is_never_a_value(number: object) -> None:
    taught = field("number", ["21.27"])
    assert value(taught, str(number)) == str(number)
    assert value(taught, str(number).replace(".", "")) is None


@example(samples=["0"], text="0:::::::")
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4), st.text(max_size=12))
def test_nothing_a_reader_says_breaks_it(samples: list[str], text: str) -> None:
    for kind in ("number", "date", "time", "id", "name", "text", "choice"):
        taught = field(kind, samples)
        found = value(taught, text)
        assert found is None or plain(found)


def test_the_mask_lets_through_what_would_show_a_change() -> None:
    """Without the point and the signs a changed value would be forced into an old look."""
    assert set("0123456789.+-kV") <= set(alphabet(field("number", ["81 kV"])))
    assert alphabet(field("name", ["罗洋欣"])) == ""
    assert "²" in alphabet(field("number", ["2 A 8.49 cm²"]))


def test_only_the_shape_of_an_identifying_sample_is_kept() -> None:
    assert shape("ZY4268135-1") == "AA0000000-0"
    assert shape("罗洋欣") == "中中中"
    assert shape("O'Neil, 李") == "A'AAAA, 中"


def test_nothing_confirmed_teaches_nothing() -> None:
    assert learn([], "number") == Format()
    assert learn(["", "  "], "id") == Format()
