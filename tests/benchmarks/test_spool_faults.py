"""A fixed sample of the trials; the full run is ``python -m tests.benchmarks.spool_faults --trials 1000``."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.disk import Disk
from tests.benchmarks.spool_faults import KINDS, trials


def test_no_promise_is_broken(tmp_path: Path) -> None:
    told = trials(3 * len(KINDS), 1, tmp_path)
    assert told["answered"] > 0


def test_a_spool_that_takes_a_short_write_for_a_whole_one_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trusting(disk: Disk, descriptor: int, chunk: bytes, at: int | None = None) -> None:
        if at is None:
            disk.write(descriptor, memoryview(chunk))
        else:
            disk.write_at(descriptor, memoryview(chunk), at)

    for room in ("incoming", "journal"):
        monkeypatch.setattr(f"capture.{room}.write_all", trusting)
    with pytest.raises(AssertionError, match="seed"):
        trials(len(KINDS), 1, tmp_path)


def test_a_spool_that_answers_before_it_wrote_the_record_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture.journal.Writer.append", lambda *_, **__: None)
    with pytest.raises(AssertionError, match="gone"):
        trials(1, 4, tmp_path)
