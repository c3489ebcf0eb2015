"""Every reason has its text in both languages, and each of tuf's errors is one of the reasons."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from tuf.api import exceptions

from cloud_sync import updates
from cloud_sync.updates.refusals import REASONS, untrusted
from cloud_sync.updates.terms import Untrusted


def raised() -> set[str]:
    """Codes that the room's source raises itself."""
    found = set()
    for file in Path(updates.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Untrusted":
                found |= {str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant)}
    return found


def test_every_code_has_its_texts() -> None:
    assert raised() >= {"no_root", "not_listed", "audience", "clock"}
    assert raised() <= REASONS.keys()
    assert all(zh and en and zh != en for zh, en in REASONS.values())


@pytest.mark.parametrize(
    "kind",
    [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, Exception)],
    ids=lambda kind: kind.__name__,
)
def test_each_of_tufs_errors_is_one_of_them(kind: type[Exception]) -> None:
    error = kind("said", 404) if kind is exceptions.DownloadHTTPError else kind("said")
    assert untrusted(error).code in REASONS


def test_a_refusal_stays_what_it_is() -> None:
    first = Untrusted("audience", "kb/ct/x/1.zip")
    assert untrusted(first) is first


@pytest.mark.parametrize(
    ("asked", "came", "code"),
    [
        ("metadata/timestamp.json", b"", "rollback"), ("metadata/3.root.json", b"", "rollback"),
        ("metadata/3.snapshot.json", b'{"signed": {"version": 3}}', "rollback"),
        ("metadata/3.snapshot.json", b'{"signed": {"version": 2}}', "mix"),
        ("metadata/3.snapshot.json", b"[]", "mix"), ("metadata/3.snapshot.json", b"{", "mix"),
        ("metadata/3.kb-ct.json", b"", "mix"), ("metadata/3.targets.json", b"", "mix"),
    ],
)  # fmt: skip
def test_older_and_mixed_are_told_apart(asked: str, came: bytes, code: str) -> None:
    assert untrusted(exceptions.BadVersionNumberError("said"), asked, came).code == code
