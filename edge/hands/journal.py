"""Journal of a run: a folder with one line a step and the screen before and after it. It stays on the box."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import cv2

from capture.errors import Retry
from capture.text import Bilingual
from edge.clock import now_ms
from edge.hands.ports import Bgr


class Journal:
    """Of one run. Pictures may show a patient, so the folder is for its owner only."""

    def __init__(self, folder: Path, name: str) -> None:
        """``folder`` holds all runs; that of this one is made at once."""
        at = datetime.fromtimestamp(now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%S.%f")
        self.folder = folder / f"{at}-{name}"
        self.folder.mkdir(parents=True, mode=0o700)

    def picture(self, name: str, bgr: Bgr) -> None:
        """Keep the screen as ``name``.png.

        Raises:
            Retry: ``hands.journal``: it cannot be kept, so the run must not go on.
        """
        if not cv2.imwrite(str(self.folder / f"{name}.png"), bgr, (cv2.IMWRITE_PNG_COMPRESSION, 1)):
            raise _full()

    def line(self, **entry: str | int) -> None:
        """Append one line. Never what was typed, only how much.

        Raises:
            Retry: ``hands.journal``.
        """
        try:
            with (self.folder / "steps.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"at": now_ms(), **entry}, ensure_ascii=False) + "\n")
        except OSError:
            raise _full() from None


def sweep(folder: Path, days: int) -> int:
    """Remove runs older than this. Returns how many."""
    until = datetime.fromtimestamp(now_ms() / 1000 - days * 86_400, UTC).strftime("%Y%m%dT%H%M%S")
    old = [one for one in folder.glob("*T*-*") if one.name < until] if folder.is_dir() else []
    for one in old:
        shutil.rmtree(one, ignore_errors=True)
    return len(old)


def _full() -> Retry:
    return Retry(
        "hands.journal",
        Bilingual("无法保存运行记录", "The journal of the run cannot be written"),
        Bilingual("检查磁盘空间；没有记录就不会操作", "Look at the disk; nothing is done without a journal"),
    )
