"""Folders of migrations as another release has them."""

from __future__ import annotations

import shutil
from pathlib import Path

from alembic.script import ScriptDirectory

from edge.store import migrate as migration


def revisions_until(last: str, folder: Path) -> Path:
    """The real ones up to ``last``, its number."""
    shutil.copytree(migration._SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "versions").glob("[0-9]*.py"):
        if path.name[: len(last)] > last:
            path.unlink()
    return folder


def plant_revision(folder: Path, upgrade: str) -> Path:
    """The real migrations and one more."""
    head = ScriptDirectory(str(migration._SCRIPTS)).get_current_head()
    revisions_until("9999", folder)
    (folder / "versions" / "9999_planted.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = '9999'\ndown_revision = '{head}'\nbranch_labels = None\ndepends_on = None\n"
        f"def upgrade() -> None:\n    {upgrade}\n"
    )
    return folder
