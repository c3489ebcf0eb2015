"""What the signed list names no more is taken back; and what makes a box look at it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloud_sync.wire.words import ContentState as S
from tests.signed_content import Publisher, pack
from tests.unit.edge.content.keeping import kept


async def test_what_was_withdrawn_is_not_run_any_more(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, probation_s=0))
        await box.until(S.COMMITTED)
    group.withdraw(first)
    async with kept(tmp_path / "box", group, check_minutes=0.001) as box:
        assert (await box.until(S.ROLLED_BACK)).error_code == "trust.not_listed"
        await box.when(lambda: box.active() is None, "what ships judges")


async def test_a_word_of_the_centre_has_the_box_look_now_and_the_signed_list_alone_decides(
    tmp_path: Path, group: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_STANDING_S", "_LOOK_S"):
        monkeypatch.setattr(f"edge.content.keeper.{name}", 0.1)
    first, second = group.release(pack(version=1)), group.release(pack(version=2, most=120.0))
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, probation_s=0))
        await box.until(S.COMMITTED)
        box.want(group.desired(second, rollout="r2", probation_s=0))
        await box.until(S.COMMITTED, version=2)
        box.want(group.desired())  # nothing is wanted of it any more, by somebody whom nobody has to believe
        await asyncio.sleep(0.3)
        assert box.active() == second.sha256
        away = group.folder.rename(tmp_path / "away")
        box.want(group.desired())
        await asyncio.sleep(0.2)
        away.rename(group.folder)
        group.withdraw(second)
        assert (await box.until(S.ROLLED_BACK, version=2)).error_code == "trust.not_listed"
        await box.when(lambda: box.active() == first.sha256, "the one before judges")
        assert box.states() == ["committed", "rolled_back"]
