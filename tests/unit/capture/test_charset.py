"""Texts come out right, whatever SpecificCharacterSet says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.dicom.charset import choose
from capture.dicom.reader import ReadOptions, read
from tests import factories

CHINESE = "北京协和医院放射科"
NAMES = ["张伟", "欧阳娜娜", "Zhang^Wei=张^伟", CHINESE]


def decoded(
    declared: list[str], texts: list[bytes], default: str | None = None
) -> tuple[list[str | None], list[str]]:
    charset = choose(declared, texts, default)
    return [charset.decode(text) for text in texts], [fault.code for fault in charset.faults]


@pytest.mark.parametrize(
    ("declared", "codec", "texts"),
    [
        (["GB18030"], "gb18030", NAMES),
        (["GBK"], "gbk", NAMES),
        (["ISO_IR 192"], "utf-8", [*NAMES, "Müller^Jörg", "Иванов"]),
        (["ISO_IR 100"], "latin-1", ["Müller^Jörg", "Buc^Jérôme", "Ærø"]),
        (["ISO_IR 144"], "iso8859-5", ["Люкceмбypг", "Иванов^Иван"]),
        (["ISO_IR 126"], "iso8859-7", ["Διονυσιος"]),
        (["ISO_IR 166"], "tis-620", ["นามสกุล"]),
        (["ISO_IR 13"], "shift_jis", ["ﾔﾏﾀﾞ^ﾀﾛｳ"]),
        (["ISO_IR 6"], "ascii", ["Plain^Name"]),
        ([], "ascii", ["Plain^Name"]),
    ],
)
def test_declared_right(declared: list[str], codec: str, texts: list[str]) -> None:
    assert decoded(declared, [text.encode(codec) for text in texts]) == (texts, [])


@pytest.mark.parametrize(
    ("declared", "raw", "text"),
    [
        (
            ["", "ISO 2022 IR 87"],
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (["", "ISO 2022 IR 149"], b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "Hong^Gildong=洪^吉洞"),
        (
            ["", "ISO 2022 IR 58"],
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            "Zhang^XiaoDong=张^小东=",
        ),
    ],
)
def test_escape_sequences_of_iso_2022(declared: list[str], raw: bytes, text: str) -> None:
    """PS3.5 annexes H, I and K; the same bytes without a declaration are read too, with a fault."""
    assert decoded(declared, [raw]) == ([text], [])
    assert decoded([], [raw]) == ([text], ["charset.missing"])


@pytest.mark.parametrize("codec", ["gb18030", "utf-8"])
@pytest.mark.parametrize("declared", [[], ["ISO_IR 100"], ["ISO_IR 6"], [""], ["GB18030"], ["ISO_IR 192"]])
def test_chinese_under_a_missing_or_wrong_declaration(declared: list[str], codec: str) -> None:
    texts = [CHINESE, "张伟", "plain"]
    right = {"gb18030": "GB18030", "utf-8": "ISO_IR 192"}[codec]
    expected = [] if declared == [right] else ["charset.wrong" if any(declared) else "charset.missing"]
    if declared == [""]:
        expected = ["charset.wrong"]
    assert decoded(declared, [text.encode(codec) for text in texts]) == (texts, expected)


def test_latin_without_a_declaration_is_not_taken_for_chinese() -> None:
    texts = ["Müller", "Hôpital Général de Montréal", "Åsa^Öberg"]
    assert decoded([], [text.encode("latin-1") for text in texts]) == (texts, ["charset.missing"])


def test_the_default_of_the_source_comes_first() -> None:
    raw = "김희중".encode("euc_kr")
    assert decoded([], [raw], "ISO 2022 IR 149")[0] == ["김희중"]
    assert decoded([], [raw], "euc_kr")[0] == ["김희중"]
    assert decoded([], ["张伟".encode()], "no such set")[0] == ["张伟"]
    assert decoded(["ISO_IR 192"], ["张伟".encode()], "GB18030") == (["张伟"], []), "a true declaration wins"


@pytest.mark.parametrize("term", ["ISO-IR 192", "ISO_IR192X", "UTF-8", "GB2312", "ISO IR 100", "KLINGON"])
def test_misspelt_and_unknown_terms(term: str) -> None:
    text = "张伟医生" if "100" not in term else "Jérôme"
    codec = {"GB2312": "gb18030", "ISO IR 100": "latin-1"}.get(term, "utf-8")
    texts, faults = decoded([term], [text.encode(codec)])
    assert texts == [text]
    assert faults == (["charset.unknown"] if term in ("ISO_IR192X", "KLINGON") else [])


def test_a_character_cut_in_two_at_the_limit_of_the_vr() -> None:
    raw = ("医" * 30).encode("utf-8")[:64]
    assert decoded(["ISO_IR 192"], [raw]) == (["医" * 21], [])


def test_one_broken_text_does_not_change_the_others() -> None:
    texts, faults = decoded(["ISO_IR 192"], [CHINESE.encode(), b"\xff\xfeM\xfcller\xe9"])
    assert texts == [CHINESE, None]
    assert faults == []


@pytest.mark.parametrize("codec", ["gb18030", "gbk", "utf-8"])
def test_second_byte_that_looks_like_a_backslash(tmp_path: Path, codec: str) -> None:
    """0x5C is a second byte in GBK: ``昞`` must not split a multi-valued text in two."""
    term = {"gb18030": "GB18030", "gbk": "GBK", "utf-8": "ISO_IR 192"}[codec]
    ds = factories.dx(SpecificCharacterSet=term, InstitutionName="昞昞医院", SoftwareVersions=["甲", "昞"])
    assert codec == "utf-8" or b"\\" in "昞".encode(codec)
    path = factories.write(ds, tmp_path / "dx")
    acquisition = read(path, factories.arrival_of(path))
    assert acquisition.device.InstitutionName == "昞昞医院"
    assert acquisition.device.SoftwareVersions == ("甲", "昞")


def test_reader_tells_and_uses_the_default(tmp_path: Path) -> None:
    ds = factories.dx(SpecificCharacterSet="GB18030", InstitutionName=CHINESE)
    path = factories.with_raw(factories.write(ds, tmp_path / "dx"), b"GB18030 ", b"ISO_IR 6")
    arrival = factories.arrival_of(path)
    acquisition = read(path, arrival, ReadOptions(default_charset="GB18030"))
    assert acquisition.device.InstitutionName == CHINESE
    assert acquisition.exam.SpecificCharacterSet == ("ISO_IR 6",)
    assert [(fault.code, fault.detail) for fault in acquisition.faults] == [("charset.wrong", "read as gb18030")]


@pytest.mark.parametrize("name", ["Arab", "Fren", "Germ", "Greek", "H31", "H32", "Hbrw", "I2", "Russ", "X1", "X2"])
def test_objects_of_the_standards_examples(name: str) -> None:
    """Same text as pydicom reads, which was checked against PS3.5 annexes H to K."""
    from pydicom import dcmread
    from pydicom.data import get_charset_files

    file = Path(get_charset_files(f"chr{name}.dcm")[0])
    expected = dcmread(file)
    identity = read(file, factories.arrival_of(file)).identity
    assert identity.PatientName is not None
    assert identity.PatientName.rstrip("=") == str(expected.PatientName)
