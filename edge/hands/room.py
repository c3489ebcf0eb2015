"""The room of the hands: the shelf of sequences, the consoles there are, and the trial under way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual
from edge.hands.journal import sweep
from edge.hands.settings import HandSettings
from edge.hands.shelf import Shelf
from edge.hands.trial import How, Job, Trial


@dataclass(slots=True)
class Hands:
    """Made once for the console."""

    folder: Path
    """``<data_dir>/hands``."""
    screens: Path
    consoles: Sequence[HandSettings]
    keep_days: int
    trial: Trial | None = None
    of: str = ""
    """Id of the sequence that is tried."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def shelf(self) -> Shelf:
        """The sequences."""
        return Shelf(self.folder)

    def begin(self, id: str, console: str, how: How, values: Mapping[str, str]) -> Trial:
        """Try a sequence.

        Raises:
            Misuse: ``hands.unknown``; ``hands.no_console``; ``hands.busy``: a trial is under way.
        """
        sequence = self.shelf.get(id)
        chosen = next((one for one in self.consoles if one.name == console), None)
        if chosen is None:
            raise Misuse(
                "hands.no_console",
                Bilingual("没有选择要操作的主机", "No console was chosen"),
                Bilingual("在 qcbox.toml 中添加 [[hands]]", "Add [[hands]] to qcbox.toml"),
            )
        if self.trial is not None and self.trial.progress().running:
            raise Misuse(
                "hands.busy",
                Bilingual(f"序列 {self.of} 正在试用", f"The sequence {self.of} is being tried"),
                Bilingual("先将其停止", "Stop that one first"),
            )
        self.end()
        sweep(self.folder, self.keep_days)
        password = chosen.password.get_secret_value() if chosen.password else None
        watched = self.screens / "live" / chosen.screen if chosen.screen else None
        self.of = id
        self.trial = Trial(Job(sequence.dump(), how, chosen.address, password, watched, values, self.folder))
        return self.trial

    def end(self) -> None:
        """Let go of the far end, wherever the trial is."""
        if self.trial is not None:
            self.trial.close()
            self.trial = None
