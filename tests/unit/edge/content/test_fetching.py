"""What a keeper fetches: no room, no way, what is for others and what nobody signed."""

from __future__ import annotations

import asyncio
import errno
import shutil
from pathlib import Path

import pytest

from cloud_sync.updates.terms import Audience
from cloud_sync.updates.trust import Trust
from cloud_sync.wire.words import ContentState as S
from tests.signed_content import Publisher, pack
from tests.unit.edge.content.keeping import kept, told


async def test_a_full_disk_during_the_download(
    tmp_path: Path, group: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = group.release(pack())

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    async with kept(tmp_path / "box", group) as box:
        with monkeypatch.context() as patch:
            patch.setattr(Trust, "fetch", full)
            box.want(group.desired(first))
            assert (await box.until(S.REJECTED)).error_code == "content.room"
        assert not list((tmp_path / "box" / "content" / "kb").glob("*"))
        box.want(group.desired(first, rollout="again", probation_s=0))
        await box.until(S.COMMITTED)


async def test_no_room_is_noticed_before(
    tmp_path: Path, group: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = group.release(pack())
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("edge.content.fetching.shutil.disk_usage", lambda path: usage)
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first))
        assert (await box.until(S.REJECTED)).error_code == "content.room"


async def test_what_is_for_others_is_rejected_and_what_nobody_signed_fails(
    tmp_path: Path, group: Publisher
) -> None:

    others = group.release(pack(), audience=Audience(groups=("elsewhere",)))
    unsigned = group.release(pack("nobodys", 1))
    group.withdraw(unsigned)
    newer = group.release(pack("newer", 1), min_agent="99.0")
    async with kept(tmp_path / "box", group, tries=2) as box:
        box.want(group.desired(others, unsigned, newer))
        assert (await box.until(S.REJECTED)).error_code == "trust.audience"
        assert (await box.until(S.REJECTED, "newer")).error_code == "trust.min_agent"
        assert (await box.until(S.FAILED_VERIFY, "nobodys")).error_code == "trust.not_listed"


async def test_without_a_way_it_waits_and_says_so_once(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    away = group.folder.rename(tmp_path / "away")
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, probation_s=0))
        await box.when(lambda: told(box)[-1:] and told(box)[-1][2], "it says why it waits")
        await asyncio.sleep(0.5)  # it tries again and again
        assert [code for _, _, code, _ in told(box)] == ["", "trust.download"]
        away.rename(group.folder)
        await box.until(S.COMMITTED)
