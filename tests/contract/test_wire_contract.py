"""The wire as published: schemas current, recorded messages still read, and no place for an identity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import jsonschema_rs
import pytest
from pydantic import BaseModel

from cloud_sync.wire.codec import decode, decode_event, encode
from cloud_sync.wire.messages import EVENT_TYPES, Event
from cloud_sync.wire.schemas import FOLDER, MESSAGES, main, schema_of
from cloud_sync.wire.words import Wire, Word

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "wire").glob("*.json"))
"""One file a message, named ``<schema>.<what>.json``; recorded when its version was released, never edited."""

IDENTITY = {
    "name", "birth", "accession", "uid", "sex", "age", "address", "phone", "operator", "physician", "person",
    "comment", "description", "account",
}  # fmt: skip
"""Words of which a field that names a patient or a person would have one."""
ALLOWED = {
    "Fact.name", "AppliedLimit.name", "Missing.name", "PackUsed.name", "BundleUsed.name", "Gauge.name",
    "Command.name", "Birth.oldest_age_s", "Wanted.name", "KbStateData.name",
}  # fmt: skip
"""Names of measurements, packs, networks and commands: words of catalogues, not of people; and a queue's age."""


def read(path: Path) -> Wire:
    """A recorded message through the strict decoder."""
    schema = ".".join(path.name.split(".")[:3])
    payload = path.read_bytes()
    return decode_event(payload) if schema in EVENT_TYPES else decode(payload, MESSAGES[schema])


@pytest.mark.parametrize("name", MESSAGES)
def test_the_schema_in_the_repository_is_the_models(name: str) -> None:
    stored = (FOLDER / f"{name}.json").read_text("utf-8")
    assert stored == schema_of(name), "run: python -m cloud_sync.wire.schemas"


def test_no_schema_is_left_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(MESSAGES)
    monkeypatch.setattr("cloud_sync.wire.schemas.FOLDER", tmp_path)
    main()
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.glob("*.json")}


def test_every_message_has_a_recorded_one() -> None:
    assert {".".join(path.name.split(".")[:3]) for path in GOLDEN} == set(MESSAGES)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_recorded_message_is_still_read_whole(path: Path) -> None:
    recorded = json.loads(path.read_bytes())
    again = json.loads(encode(read(path)))
    assert subset(recorded, again), "a field of a released version was lost"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_recorded_message_fits_its_schema(path: Path) -> None:
    schema = json.loads((FOLDER / f"{'.'.join(path.name.split('.')[:3])}.json").read_text("utf-8"))
    jsonschema_rs.validator_for(schema).validate(json.loads(path.read_bytes()))


def subset(part: object, whole: object) -> bool:
    """Whether everything of ``part`` is in ``whole``."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and subset(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(subset, part, whole))
    return part == whole


def models() -> set[type[BaseModel]]:
    """Every model that can be on the wire, found by walking the fields."""
    found: set[type[BaseModel]] = set()
    waiting: list[type[BaseModel]] = [*MESSAGES.values(), Event]
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            waiting += [leaf for field in model.model_fields.values() for leaf in leaves(field.annotation)
                        if isinstance(leaf, type) and issubclass(leaf, BaseModel)]  # fmt: skip
    return found


def leaves(annotation: Any) -> Iterator[Any]:
    """The plain types inside an annotation."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType, tuple):
        for argument in get_args(annotation):
            yield from leaves(argument)
    elif origin is Annotated:
        yield from leaves(get_args(annotation)[0])
    else:
        yield annotation


def test_the_walk_reaches_the_depth() -> None:
    assert {model.__name__ for model in models()} >= {"ResultData", "Finding", "Fact", "DeviceFacts", "Refusal"}


def test_no_field_can_name_a_patient_or_a_person() -> None:
    for model in models():
        for field in model.model_fields:
            assert f"{model.__name__}.{field}" in ALLOWED or IDENTITY.isdisjoint(field.split("_")), (
                f"{model.__name__}.{field} could hold an identity"
            )


def test_every_field_is_one_of_the_wires_own_kinds() -> None:
    plain = (str, int, float, bool, type(None), Ellipsis)
    for model in models():
        for name, field in model.model_fields.items():
            for leaf in leaves(field.annotation):
                known = leaf in plain or get_origin(leaf) is Literal or issubclass(leaf, BaseModel | Word)
                assert known, f"{model.__name__}.{name} holds a {leaf}"


@pytest.mark.parametrize("field", ["patient", "study", "series", "instance"])
def test_who_it_is_crosses_only_as_a_pseudonym(field: str) -> None:
    schema = json.loads(schema_of("qc.result.v1"))["$defs"]["ResultData"]["properties"][field]
    assert {one.get("pattern") for one in schema["anyOf"] if one["type"] == "string"} == {"^[0-9a-f]{32}$"}


def test_every_message_is_frozen_and_keeps_what_it_does_not_know() -> None:
    for model in models():
        assert model.model_config["frozen"]
        assert model.model_config["extra"] == "allow"
