"""Chinese texts are set as Chinese (GB/T 15834): full-width marks between Chinese words."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("capture", "cloud_sync", "deploy", "edge", "models")
KINDS = {".html", ".js", ".po", ".py", ".toml"}
HALF = re.compile(
    r"[\u4e00-\u9fff][,:;?!](?![\d/=\[\]|)])|[A-Za-z0-9)}%>][,;] ?[\u4e00-\u9fff]|\): ?[\u4e00-\u9fff]"
)
MEANT = ("主机:端口", "(l, I and 1; O and 0; 别 and 別)")
"""An address as it is typed, and words about letters."""
BRACKETS = re.compile(r"[\u4e00-\u9fff] ?\([^()]*[\u4e00-\u9fff][^()]*\)")
CODE = re.compile(r"^```.*?^```|`[^`]*`|\]\([^)]*\)", re.DOTALL | re.MULTILINE)
"""Of a page in Markdown, and where its links lead."""


def test_no_text_mixes_half_width_marks_into_chinese() -> None:
    found = []
    for path in sources():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            for meant in MEANT:
                line = line.replace(meant, "")
            if HALF.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_no_text_puts_chinese_into_half_width_brackets() -> None:
    found = []
    for path in sources():
        found += [f"{path.relative_to(ROOT)}: {said}" for said in BRACKETS.findall(path.read_text("utf-8"))]
    assert found == []


def test_pages_of_the_handbook_are_set_as_chinese() -> None:
    pages = list((ROOT / "deploy/handbook/zh").glob("*.md"))
    assert len(pages) > 30
    found = []
    for path in pages:
        prose = CODE.sub(lambda code: code[0][0], path.read_text("utf-8").replace("主机:端口", ""))
        found += [f"{path.name}: {said}" for said in BRACKETS.findall(prose) + HALF.findall(prose)]
    assert found == []


def test_what_stands_before_a_value_is_set_off_in_both_languages() -> None:
    """A colon beside a translated text is translated with it."""
    assert pages_with(r"\}\}:(</b>)? ") == []


def test_what_is_listed_is_set_apart_in_both_languages() -> None:
    assert pages_with(r'join\(", "\)|[^(]"[,;] " if|%\}[,;] \{%') == []


def sources() -> list[Path]:
    return [path for part in PARTS for path in (ROOT / part).rglob("*") if path.suffix in KINDS]


def pages_with(pattern: str) -> list[str]:
    pages = [path for part in PARTS for path in (ROOT / part).rglob("*.html")]
    assert len(pages) > 50
    return [str(path) for path in pages if re.search(pattern, path.read_text("utf-8"))]
