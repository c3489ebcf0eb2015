"""The house keeps its own rules: small files, names that resolve here, one vocabulary for the log."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_sync.kit.vocabulary import EVENTS, FIELDS
from edge.settings_file import load

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("capture", "models", "edge", "cloud_sync")
LOG_METHODS = {"debug", "info", "warning", "error", "critical", "exception"}


def product_files() -> list[Path]:
    return [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("package", PACKAGES)
def test_each_top_level_name_is_ours(package: str) -> None:
    """``models`` and ``capture`` are generic names: a library that installs one would shadow ours."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT)


def test_no_python_file_is_over_400_lines() -> None:
    files = [*product_files(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "deploy").rglob("*.py")]
    long = {str(f.relative_to(ROOT)): n for f in files if (n := len(f.read_text().splitlines())) > 400}
    assert long == {}


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        named_log = isinstance(owner, ast.Name) and owner.id in {"log", "logger", "_log"}
        if named_log and node.func.attr in LOG_METHODS:
            yield node


@pytest.mark.parametrize("file", product_files(), ids=lambda f: str(f.relative_to(ROOT)))
def test_log_lines_use_listed_events_and_fields(file: Path) -> None:
    """An unlisted field would be dropped at run time; better to hear of it here."""
    for call in log_calls(ast.parse(file.read_text())):
        first = call.args[0] if call.args else None
        assert isinstance(first, ast.Constant), f"{file.name}:{call.lineno}: the event name must be a constant"
        assert first.value in EVENTS, f"{file.name}:{call.lineno}: {first.value!r} is not in the vocabulary"
        # exc_info: kit.log turns it into error and where, and drops the text.
        names = {keyword.arg for keyword in call.keywords if keyword.arg} - {"exc_info"}
        assert names <= FIELDS, f"{file.name}:{call.lineno}: {sorted(names - FIELDS)} not in the vocabulary"


def test_every_event_is_used() -> None:
    """A vocabulary with words nobody says is dead code."""
    said = "".join(file.read_text() for file in product_files() if file.name != "vocabulary.py")
    assert [event for event in EVENTS if f'"{event}"' not in said] == []


def test_every_field_is_used() -> None:
    """``kit.log`` itself adds the first four."""
    files = (file for file in product_files() if file.name != "vocabulary.py")
    said = {
        keyword.arg
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    }
    assert FIELDS - said <= {"event", "level", "timestamp", "process"}


def test_except_exception_only_at_the_last_resorts() -> None:
    """Elsewhere a broad except hides bugs (architecture, section 13)."""
    allowed = {
        "models/producer.py",  # one measure may fail alone
        "edge/pipeline/dispatch.py",  # one image must not end the agent
        "edge/pipeline/attempts.py",  # the same
        "edge/pipeline/workers.py",  # what is only being tried must not cost an image its verdict
        "edge/pipeline/work.py",  # nor cost those beside it their verdict
        "models/sets/record.py",  # one measure may fail alone
        "models/sets/picture.py",  # a picture is no reason to be without a verdict
        "edge/commands/agent.py",  # the end of the process: said once, then out
        "capture/dicom/branch.py",  # the same
        "capture/dicom/decoders.py",  # foreign C, C++ and Rust
    }
    broad = {None, "Exception", "BaseException"}
    found = {
        str(file.relative_to(ROOT))
        for file in product_files()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ExceptHandler) and (ast.unparse(node.type) if node.type else None) in broad
    }
    assert found <= allowed


def test_the_listener_stays_small() -> None:
    """It must be up when all else is down: no database, no pixels, no web server in its process."""
    code = (
        "import sys; import edge.commands.listen;"
        "print([m for m in ('numpy','cv2','sqlalchemy','fastapi','pydantic_settings') if m in sys.modules])"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(ast.literal_eval(seen.stdout))
    assert loaded & {"numpy", "cv2", "sqlalchemy", "fastapi"} == set()


def test_the_example_configuration_loads_and_is_closed(tmp_path: Path) -> None:
    """deploy/install fills this file in; what it leaves must be a box that lets nobody in."""
    text = (ROOT / "deploy" / "examples" / "qcbox.toml").read_text(encoding="utf-8")
    path = tmp_path / "qcbox.toml"
    path.write_text(text.replace("@SITE@", "Site").replace("@AE_TITLE@", "QCBOX"), encoding="utf-8")
    settings = load(path)
    assert not settings.dicom.open and settings.dicom.peers == () and settings.console.host == "127.0.0.1"
