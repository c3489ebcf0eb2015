"""Facts: everything that was measured of a case, or why not. One row for each verdict; one owner of its JSON.

A slice has a hundred facts and a CT hundreds of slices: as a row each they were most of the database. The JSON is
an object by name, so that SQL can reach into it: ``json_extract(content, '$."dicom.KVP".value')``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any

from sqlalchemy import Connection, func, select

from edge.store.schema import facts, set_member, verdict
from models.measurement import Measured, Measurement, Measurements, NotMeasured, Reason, Region, Value

_ADD = facts.insert()


def add_facts(connection: Connection, verdict_id: int, known: Iterable[Measured]) -> None:
    """Keep the facts behind a verdict. Marks are beside the verdict (``verdict.marks``)."""
    content = {fact.name: _said(fact) for fact in sorted(known, key=lambda fact: fact.name)}
    if content:
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        connection.execute(_ADD, {"verdict_id": verdict_id, "content": text})


def facts_of(connection: Connection, verdicts: Sequence[int]) -> dict[int, tuple[Measured, ...]]:
    """All facts by verdict, in the order of their names, without marks. A verdict without facts is not there."""
    rows = connection.execute(select(facts).where(facts.c.verdict_id.in_(verdicts)))
    return {row.verdict_id: tuple(_fact(*pair) for pair in json.loads(row.content).items()) for row in rows}


def some_of(connection: Connection, verdicts: Sequence[int], names: Sequence[str]) -> dict[int, Measurements]:
    """Of many verdicts the few facts that a list shows."""
    wanted = [func.json_extract(facts.c.content, f'$."{name}"') for name in names]
    rows = connection.execute(select(facts.c.verdict_id, *wanted).where(facts.c.verdict_id.in_(verdicts)))
    return {
        row[0]: Measurements(
            _fact(name, json.loads(said)) for name, said in zip(names, row[1:], strict=True) if said is not None
        )
        for row in rows
    }


def forget_facts(connection: Connection, case_id: str) -> None:
    """Of an image in a series: its verdict stays with the evidence of each finding, and the series has its own."""
    own = select(verdict.c.id).where(verdict.c.case_id == case_id)
    in_series = select(set_member.c.case_id).where(set_member.c.case_id == case_id).exists()
    connection.execute(facts.delete().where(facts.c.verdict_id.in_(own), in_series))


def _said(fact: Measured) -> dict[str, Any]:
    """What is as it is when nothing is said of it is left out."""
    if isinstance(fact, NotMeasured):
        return {"reason": fact.reason.value} | ({"detail": fact.detail} if fact.detail else {})
    said: dict[str, Any] = {"value": fact.value}
    if fact.unit:
        said["unit"] = fact.unit
    if fact.producer:
        said["producer"] = fact.producer
    if fact.confidence != 1.0:
        said["confidence"] = fact.confidence
    if fact.regions:
        said["regions"] = [astuple(region) for region in fact.regions]
    return said


def _fact(name: str, said: dict[str, Any]) -> Measured:
    if "reason" in said:
        return NotMeasured(name, Reason(said["reason"]), said.get("detail", ""))
    return Measurement(
        name,
        _value(said["value"]),
        said.get("unit", ""),
        said.get("producer", ""),
        said.get("confidence", 1.0),
        tuple(Region(*region) for region in said.get("regions", ())),
    )


def _value(said: Any) -> Value:
    if isinstance(said, list):
        return tuple(said)
    return said if isinstance(said, bool | str) else float(said)
