"""Write the parts of the handbook that come out of the source, or with ``--check`` say which are out of date.

A page is written by hand down to its marker line; what follows is generated.

python -m deploy.generate [--check] [PAGE ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy import codes, configuration, measurements, reasons

HANDBOOK = Path(__file__).resolve().parent / "handbook"
LANGUAGES = ("en", "zh")
PAGES: Mapping[str, Callable[[str], str]] = {
    "codes": codes.page,
    "measurements": measurements.tables,
    "operate": configuration.tables,
    "trust": reasons.table,
}
"""Page name to the function that gives its generated part in a language."""


def _with_generated(path: Path, name: str, generated: str) -> str:
    """The page as it should be: its own head, the marker, the generated part."""
    marker = f"<!-- generated: python -m deploy.generate {name} -->"
    head = path.read_text("utf-8").partition(marker)[0] if path.exists() else ""
    return f"{head}{marker}\n\n{generated}"


def outdated(names: tuple[str, ...] = tuple(PAGES)) -> dict[Path, str]:
    """Files that differ from what the source says now, with the text they should have."""
    changed: dict[Path, str] = {}
    for name in names:
        for language in LANGUAGES:
            path = HANDBOOK / language / f"{name}.md"
            text = _with_generated(path, name, PAGES[name](language))
            if not path.exists() or path.read_text("utf-8") != text:
                changed[path] = text
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: nothing was out of date, or it was written; 1: ``--check`` found something."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.generate", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("page", nargs="*", metavar="PAGE", help="default: all")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is out of date")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.page) - set(PAGES))
    if unknown:
        parser.error(f"no such page: {', '.join(unknown)}; there are {', '.join(PAGES)}")
    changed = outdated(tuple(asked.page) or tuple(PAGES))
    for path, text in changed.items():
        print(("out of date: " if asked.check else "written: ") + str(path.relative_to(HANDBOOK.parent)))
        if not asked.check:
            path.write_text(text, encoding="utf-8")
    return 1 if changed and asked.check else 0


if __name__ == "__main__":
    sys.exit(main())
