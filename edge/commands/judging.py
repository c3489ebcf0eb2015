"""One file and its verdict, as the commands that judge without a service share it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from capture.arrival import Arrival, arrival_id
from capture.dicom.reader import read
from capture.digest import digest_of
from capture.errors import QcError
from capture.text import Bilingual
from models.circumstances import Circumstances
from models.judge import Content, Judgement
from models.judge import judge as judge_acquisition
from models.rules.verdict import Severity


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file could not be judged."""

    code: str
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class Judged:
    """One file, or a series or study in a folder, and what came of it."""

    path: Path
    outcome: Judgement | Unreadable

    @property
    def is_fine(self) -> bool:
        """Read, and no rule failed (notes apart)."""
        return isinstance(self.outcome, Judgement) and not any(
            finding.level == "fail" and finding.severity is not Severity.INFO
            for finding in self.outcome.verdict.findings
        )


def judge_file(path: Path, content: Content, received_at: int) -> Judged:
    """Read and judge one file as if it had just arrived. Bad files become a reason, never an exception."""
    if not path.is_file():  # a pipe or a device would block
        return Judged(path, Unreadable("file.unreadable", Bilingual("不是普通文件", "not a regular file")))
    try:
        acquisition = read(path, arrival_of(path, received_at))
    except (QcError, OSError) as error:
        return unreadable(path, error)
    return Judged(path, judge_acquisition(acquisition, content, Circumstances(received_at=received_at)))


def arrival_of(path: Path, received_at: int) -> Arrival:
    """A file as if it had just arrived. Raises OSError when it cannot be opened."""
    digest = digest_of(path)
    return Arrival(
        id=arrival_id(received_at, digest),
        digest=digest,
        size=path.stat().st_size,
        kind="dicom",
        source="command-line",
        received_at=received_at,
    )


def unreadable(path: Path, error: QcError | OSError) -> Judged:
    """A file that could not be read, and why."""
    if isinstance(error, QcError):
        return Judged(path, Unreadable(error.code, Bilingual(error.say("zh"), error.say("en"))))
    reason = error.strerror or type(error).__name__
    return Judged(path, Unreadable("file.unreadable", Bilingual(reason, reason)))
