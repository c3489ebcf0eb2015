"""JSON Schemas of the contract, made from the models. ``python -m cloud_sync.wire.schemas`` writes them anew."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from cloud_sync.wire.control import Ack, Birth, CentreState, Chunk, Command, Death, Desired, Fetch, Metrics, Reply
from cloud_sync.wire.enrolment import PapersAnswer, PapersQuestion
from cloud_sync.wire.messages import EVENT_TYPES, SCHEMA_BASE
from cloud_sync.wire.words import Wire

FOLDER = Path(str(files("cloud_sync.wire"))) / "schema"
MESSAGES: dict[str, type[Wire]] = {
    **EVENT_TYPES,
    "qc.birth.v1": Birth,
    "qc.death.v1": Death,
    "qc.ack.v1": Ack,
    "qc.command.v1": Command,
    "qc.reply.v1": Reply,
    "qc.metrics.v1": Metrics,
    "qc.centre_state.v1": CentreState,
    "qc.desired.v1": Desired,
    "qc.fetch.v1": Fetch,
    "qc.chunk.v1": Chunk,
    "qc.papers_question.v1": PapersQuestion,
    "qc.papers_answer.v1": PapersAnswer,
}
"""Every message of the contract by the name of its schema."""


def schema_of(name: str) -> str:
    """The schema file's text. Raises KeyError for an unknown name."""
    schema = MESSAGES[name].model_json_schema(mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{SCHEMA_BASE}{name}.json"}
    return json.dumps({**head, **schema}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    """Write all schema files."""
    for name in MESSAGES:
        (FOLDER / f"{name}.json").write_text(schema_of(name), "utf-8")


if __name__ == "__main__":  # pragma: no cover
    main()
