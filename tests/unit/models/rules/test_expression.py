"""CEL behind one door: names, types, missing values, complaints with position."""

from __future__ import annotations

import pickle

import pytest

from models.catalogue import Type
from models.measurement import Value
from models.rules.expression import ExpressionError, compile_condition

TYPES: dict[str, Type] = {
    "dicom.KVP": "number",
    "dicom.Modality": "text",
    "dicom.ImageType": "texts",
    "image.blank": "bool",
    "absent.dicom.KVP": "bool",
    "limit.kv": "number",
}


@pytest.mark.parametrize(
    ("text", "values", "outcome"),
    [
        ("dicom.KVP > 1.0", {"dicom.KVP": 2.0}, True),
        ("dicom.KVP > 1.0", {"dicom.KVP": 2}, True),
        ("dicom.KVP > 1.0", {}, None),
        ("dicom.KVP > 1.0 && image.blank", {"image.blank": False}, False),
        ("image.blank && dicom.KVP > 1.0", {"dicom.KVP": 0.5}, False),
        ("image.blank || dicom.KVP > 1.0", {"dicom.KVP": 2.0}, True),
        ("image.blank || dicom.KVP > 1.0", {"dicom.KVP": 0.5}, None),
        ("!image.blank", {}, None),
        ('"DERIVED" in dicom.ImageType', {"dicom.ImageType": ("DERIVED", "PRIMARY")}, True),
        ("dicom.ImageType[0] == 'A'", {"dicom.ImageType": ()}, None),
        ("dicom.KVP > 1.0", {"dicom.KVP": "120"}, None),
        ("dicom.Modality in ['CR', 'DX'] // dicom.KVP", {"dicom.Modality": "DX"}, True),
        ('dicom . Modality == "image.blank"', {"dicom.Modality": "DX"}, False),
        ("absent.dicom.KVP || dicom.KVP > 1.0", {"absent.dicom.KVP": True}, True),
        ('dicom.ImageType.exists(kind, kind == "DERIVED")', {"dicom.ImageType": ("A",)}, False),
        ("dicom.KVP / 0.0 > 1.0", {"dicom.KVP": 1.0}, True),
    ],
)
def test_three_outcomes(text: str, values: dict[str, Value], outcome: bool | None) -> None:
    assert compile_condition(text, TYPES).decide(values) is outcome


def test_what_goes_on_too_long_is_undecided() -> None:
    many = "[" + ",".join("1" * 90) + "]"
    deep = f"{many}.exists(b, {many}.exists(c, {many}.exists(d, b + c + d > 3)))"
    assert compile_condition(f"{deep} || image.blank", TYPES).decide({"image.blank": False}) is None


def test_names_are_those_referred_to_and_no_others() -> None:
    text = 'dicom.Modality == "dicom.KVP" && absent.dicom.KVP // image.blank\n&& limit.kv > 1.0'
    assert compile_condition(text, TYPES).names == {"dicom.Modality", "absent.dicom.KVP", "limit.kv"}


@pytest.mark.parametrize(
    ("text", "line", "column", "says", "hint"),
    [
        ("dicom.KV > 1.0", 1, 6, "dicom.KV", "dicom.KVP"),
        ("utterly.unlike > 1.0", 1, 8, "utterly", "catalogue"),
        ("image.blank\n && dicom.KVP > 1", 2, 15, "wrong types", "with a point"),
        ("dicom.KVP >", 1, 12, "not a valid expression", "handbook"),
        ("dicom.KVP + 1.0", 1, 1, "not true or false", "comparison"),
    ],
)
def test_a_wrong_expression_says_where_and_what_to_do(
    text: str, line: int, column: int, says: str, hint: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_condition(text, TYPES)
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert says in error.text.en and hint in error.hint.en
    assert error.text.zh != error.text.en and error.hint.zh != error.hint.en


def test_a_very_deep_expression_is_refused_not_run() -> None:
    with pytest.raises(ExpressionError):
        compile_condition("(" * 900 + "image.blank" + ")" * 900, TYPES)


def test_an_expression_is_compiled_again_where_it_arrives() -> None:
    sent = compile_condition("dicom.KVP > limit.kv && !absent.dicom.KVP", TYPES)
    come = pickle.loads(pickle.dumps(sent))
    assert (come.text, come.names) == (sent.text, sent.names)
    assert come.decide({"dicom.KVP": 2.0, "limit.kv": 1.0, "absent.dicom.KVP": False}) is True
