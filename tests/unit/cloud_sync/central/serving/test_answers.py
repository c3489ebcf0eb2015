"""The centre hands out two shapes of files and nothing else, in pieces, to each box in its turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_sync.central.serving.answers import MOST_OF_A_BOX, Answers
from cloud_sync.central.serving.shelf import take
from cloud_sync.wire import topics
from cloud_sync.wire.codec import encode, split_chunk
from cloud_sync.wire.control import Chunk, Fetch

TARGET = f"targets/kb/ct/slices/{'ab' * 32}.1.zip"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in (
        ("metadata/timestamp.json", b"{}"),
        (TARGET, bytes(range(256)) * 1000),
        ("secret", b"no"),
    ):
        path = tmp_path / "repository" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "outside.json").write_bytes(b"no")
    return tmp_path / "repository"


def ask(answers: Answers, box: str = "box-a", path: str = TARGET, offset: int = 0, length: int = 98304) -> None:
    address = topics.parse(topics.up(box, "fetch"))
    assert address is not None
    answers.heard(address, encode(Fetch(id=f"{box}-{offset}", path=path, offset=offset, length=length)))


def said(answers: Answers) -> list[tuple[str, Chunk, bytes]]:
    found = []
    for out in answers.to_say():
        address = topics.parse(out.topic)
        assert address is not None and address.leaf == "chunk" and not out.retain
        found.append((address.box, *split_chunk(out.payload)))
    return found


def test_a_piece(folder: Path) -> None:
    answers = Answers(folder)
    ask(answers, offset=256, length=300)
    assert said(answers) == [
        ("box-a", Chunk(id="box-a-256", status=200, total=256_000), bytes(range(256)) + bytes(range(44)))
    ]
    assert said(answers) == []


@pytest.mark.parametrize(
    ("path", "offset", "status"),
    [("metadata/timestamp.json", 2, 416), ("metadata/9.root.json", 0, 404), ("secret", 0, 404),
     ("metadata", 0, 404), ("targets/kb/ct/slices/1.zip", 0, 404), (TARGET, 10**9, 416)],
)  # fmt: skip
def test_what_cannot_be_had(folder: Path, path: str, offset: int, status: int) -> None:
    answers = Answers(folder)
    ask(answers, path=path, offset=offset)
    assert [(chunk.status, content) for _, chunk, content in said(answers)] == [(status, b"")]


@pytest.mark.parametrize(
    "path",
    ["secret", "metadata/../secret", "../outside.json", "/metadata/timestamp.json", "metadata//timestamp.json", "",
     "metadata/.json", "metadata/timestamp.json\0", "metadata/timestamp.json/", "targets/../metadata/a.json",
     "metadata/TIMESTAMP.json", "metadata/%2e%2e/secret", "metadata/link.json", "linked/timestamp.json"],
)  # fmt: skip
def test_every_other_path_is_not_there(folder: Path, path: str) -> None:
    (folder / "metadata/link.json").symlink_to(folder.parent / "outside.json")
    (folder / "linked").symlink_to(folder / "metadata")
    with pytest.raises(FileNotFoundError):
        take(folder, path)


def test_a_repository_that_is_not_there_yet(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "later")
    ask(answers)
    assert [chunk.status for _, chunk, _ in said(answers)] == [404]


def test_a_turn_has_a_budget_and_boxes_take_turns(folder: Path) -> None:
    answers = Answers(folder, bytes_a_turn=150_000)
    for offset in range(4):
        ask(answers, "greedy", offset=offset)
    ask(answers, "modest", path="metadata/timestamp.json")
    first = said(answers)
    assert [box for box, _, _ in first] == ["greedy", "modest", "greedy"]
    assert [box for box, _, _ in said(answers)] == ["greedy"] * 2
    assert said(answers) == []


def test_who_asks_too_much_at_once_is_told_not_now(folder: Path) -> None:
    answers = Answers(folder)
    for offset in range(MOST_OF_A_BOX + 3):
        ask(answers, offset=offset, length=1)
    statuses = [chunk.status for _, chunk, _ in said(answers)]
    assert sorted(statuses) == [200] * MOST_OF_A_BOX + [503] * 3


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"id":"a","path":"../x","offset":0,"length":1}',
                                     b'{"id":"a","path":"a","offset":0,"length":99999999}'])  # fmt: skip
def test_what_cannot_be_read_is_let_go(folder: Path, payload: bytes) -> None:
    answers = Answers(folder)
    address = topics.parse("qc/v1/box-a/up/fetch")
    assert address is not None
    answers.heard(address, payload)
    assert said(answers) == []


def test_other_messages_are_for_others(folder: Path) -> None:
    answers = Answers(folder)
    address = topics.parse("qc/v1/box-a/up/event")
    assert address is not None
    answers.heard(address, encode(Fetch(id="a", path=TARGET, offset=0, length=1)))
    assert said(answers) == []
