"""From what the centre wants to what judges, and back. Everything is real but the workers' processes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from capture.errors import Retry
from capture.text import Bilingual
from cloud_sync.wire.words import ContentState as S
from edge.clock import now_ms
from edge.content.asking import Ask, ask
from edge.content.chosen import package_path
from edge.content.proving import Proof
from edge.content.trusting import trust_of
from edge.pipeline import states
from edge.store import cases, content
from models.rules.verdict import Grade
from tests.signed_content import Publisher, pack
from tests.unit.edge.content.judging import begin, end, judge
from tests.unit.edge.content.keeping import Workers, kept, told

YEARS_MS = 365 * 24 * 3600 * 1000
UNREADABLE = Retry("blob.unreadable", Bilingual("读取失败", "It cannot be read"), Bilingual("稍后", "Later"))


async def test_from_assigned_to_committed_with_the_real_self_test(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack(version=1))
    async with kept(tmp_path / "box", group, proof=None) as box:
        box.want(group.desired(first, probation_s=0))
        await box.until(S.COMMITTED)
        assert box.active() == first.sha256
        steps = [step.state for _, step in reversed(box.box.db.read(lambda c: content.history(c)))]
        assert steps == ["assigned", "staged", "verified", "tested", "probation", "committed"]
        assert [state for _, state, _, _ in told(box)] == steps
        wrong = group.release(pack(version=2, most=120.0, passes=130.0))
        box.want(group.desired(wrong))
        failed = await box.until(S.FAILED_SELFTEST, version=2)
        assert failed.error_code == "pack.case"
        assert box.active() == first.sha256
        assert box.workers.switches == 1


async def test_a_new_release_takes_the_place_of_the_old_one(tmp_path: Path, group: Publisher) -> None:
    first, second = group.release(pack(version=1)), group.release(pack(version=2, most=120.0))
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, probation_s=0))
        await box.until(S.COMMITTED)
        box.want(group.desired(second, rollout="r2", probation_s=0))
        await box.until(S.COMMITTED, version=2)
        assert box.states() == ["superseded", "committed"]
    third = group.release(pack(version=3, most=110.0))
    async with kept(tmp_path / "box", group) as box:
        assert box.active() == second.sha256
        box.want(group.desired(third, rollout="r3", probation_s=0))
        await box.until(S.COMMITTED, version=3)
    folder = tmp_path / "box" / "content" / "kb"
    assert len(list(folder.iterdir())) == 3
    async with kept(tmp_path / "box", group) as box:
        # What nothing can fall back to any more is removed.
        await box.when(lambda: {one.stem for one in folder.iterdir()} == {second.sha256, third.sha256}, "room")


async def test_the_centre_changes_its_mind(tmp_path: Path, group: Publisher) -> None:
    first, second = group.release(pack(version=1)), group.release(pack(version=2))
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, shadow_images=100))
        await box.until(S.SHADOW)
        await box.when(lambda: box.workers.chosen.trial, "it judges beside")
        stale = group.desired(rev=0)
        box.want(stale)
        await asyncio.sleep(0.2)
        assert box.states() == ["shadow"]  # an older revision is not obeyed
        box.want(group.desired(second, shadow_images=100))
        await box.until(S.SHADOW, version=2)
        assert box.states() == ["cancelled", "shadow"]
        box.want(group.desired())
        await box.until(S.CANCELLED, version=2)
        await box.when(lambda: not box.workers.chosen.trial, "nothing judges beside any more")
        box.want(group.desired(second, shadow_images=100))  # a pause is over
        await box.when(lambda: box.states() == ["cancelled", "cancelled", "shadow"], "it begins anew")


async def test_shadow_tells_what_would_change_and_then_judges(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, shadow_images=3))
        await box.until(S.SHADOW)
        judge(box.box.db, 2, shadow=Grade.JIA)
        await asyncio.sleep(0.3)
        assert box.states() == ["shadow"]
        judge(box.box.db, 1, shadow=Grade.FEI)
        active = await box.until(S.PROBATION)
        assert json.loads(active.report or "")["shadow"]["grades"] == 1
        await box.when(lambda: box.active() == first.sha256, "it judges")


@pytest.mark.parametrize(
    ("images", "code"),
    [
        ({"alerts": 9}, "probation.alerts"),
        ({"failed": 3}, "probation.errors"),
        ({"ms": 9000.0}, "probation.slow"),
    ],
)
async def test_harm_in_probation_takes_it_back(
    tmp_path: Path, group: Publisher, images: dict[str, int], code: str
) -> None:
    first, second = group.release(pack(version=1)), group.release(pack(version=2, most=120.0))
    async with kept(tmp_path / "box", group, least_images=20) as box:
        box.want(group.desired(first, probation_s=0))
        await box.until(S.COMMITTED)
        judge(box.box.db, 50, alerts=3)
        box.want(group.desired(second, rollout="r2", probation_images=100))
        await box.until(S.PROBATION, version=2)
        judge(box.box.db, 20, **images, sha256=second.sha256)  # type: ignore[arg-type]
        failed = await box.until(S.ROLLED_BACK, version=2)
        assert failed.error_code == code
        await box.when(lambda: box.active() == first.sha256, "the one before judges")
        box.want(group.desired(second, rollout="r2"))
        await asyncio.sleep(0.2)
        assert box.states() == ["committed", "rolled_back"]  # not again in the same rollout


async def test_an_alert_storm_whose_way_back_is_broken_tells_both_errors(tmp_path: Path, group: Publisher) -> None:
    first, second = group.release(pack(version=1)), group.release(pack(version=2, most=120.0))
    async with kept(tmp_path / "box", group, least_images=20) as box:
        box.want(group.desired(first, probation_s=0))
        await box.until(S.COMMITTED)
        judge(box.box.db, 50, alerts=3)
        box.want(group.desired(second, rollout="r2", probation_images=100))
        await box.until(S.PROBATION, version=2)
        path = package_path(box.box.services.settings.content_path, first.sha256)
        path.write_bytes(path.read_bytes().replace(b"150", b"151"))
        judge(box.box.db, 20, alerts=9, sha256=second.sha256)
        await box.when(lambda: (2, "rolled_back", "probation.alerts", "trust.hash") in told(box), "both errors")
        assert box.active() is None  # nothing of this name ships, and an older release never comes from outside
        assert box.states() == ["rolled_back", "rolled_back"]


async def test_a_crash_loop_takes_it_back(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first))
        await box.judging_by(first.sha256)
        for _ in range(3):
            box.keeper.suspect(box.workers.chosen)
        assert (await box.until(S.ROLLED_BACK)).error_code == "probation.crashes"


async def test_it_is_not_committed_while_an_image_begun_under_it_has_no_verdict(
    tmp_path: Path, group: Publisher
) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group, crashes=1) as box:
        box.want(group.desired(first, probation_images=3))
        await box.judging_by(first.sha256)
        hangs = begin(box.box.db)
        judge(box.box.db, 5, sha256=first.sha256)
        await asyncio.sleep(0.5)
        assert box.states() == ["probation"]
        # It cost a worker its life, and was judged by what was before.
        box.keeper.suspect(box.workers.chosen)
        end(box.box.db, hangs)
        assert (await box.until(S.ROLLED_BACK)).error_code == "probation.crashes"


async def test_an_image_that_the_agent_left_in_the_middle_is_waited_for_after_its_start(
    tmp_path: Path, group: Publisher
) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, probation_images=3))
        await box.judging_by(first.sha256)
        hangs = begin(box.box.db)
        judge(box.box.db, 5, sha256=first.sha256)
    async with kept(tmp_path / "box", group) as box:
        box.box.db.write(lambda connection: states.recover(connection, now_ms()))
        await asyncio.sleep(0.5)
        assert box.states() == ["probation"]
        box.box.db.write(lambda connection: states.move(connection, hangs, "held", "judging", now_ms()))
        judge(box.box.db, 5, sha256=first.sha256)  # those that came since are not waited for
        begin(box.box.db)
        end(box.box.db, hangs)
        await box.until(S.COMMITTED)


async def test_images_judged_by_what_was_before_prove_nothing(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, probation_images=3))
        await box.judging_by(first.sha256)
        judge(box.box.db, 5)
        judge(box.box.db, 2, sha256=first.sha256)
        await asyncio.sleep(0.5)
        assert box.states() == ["probation"]
        judge(box.box.db, 1, sha256=first.sha256)
        await box.until(S.COMMITTED)


async def test_an_image_that_waits_for_its_disk_is_not_waited_for(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, probation_images=3))
        await box.judging_by(first.sha256)
        unread = begin(box.box.db)
        judge(box.box.db, 3, sha256=first.sha256)
        await asyncio.sleep(0.3)
        assert box.states() == ["probation"]
        again = now_ms() + 60_000
        box.box.db.write(lambda connection: cases.release(connection, unread, UNREADABLE, again, now_ms()))
        await box.until(S.COMMITTED)


async def test_crashes_of_images_begun_before_it_was_committed_take_it_back_all_the_same(
    tmp_path: Path, group: Publisher
) -> None:
    first, second = group.release(pack(version=1)), group.release(pack(version=2, most=120.0))
    async with kept(tmp_path / "box", group, crashes=2) as box:
        box.want(group.desired(first, probation_s=0))
        await box.until(S.COMMITTED)
        box.want(group.desired(second, rollout="r2", probation_images=1))
        await box.judging_by(second.sha256, version=2)
        unproven = box.workers.chosen
        judge(box.box.db, 1, sha256=second.sha256)
        await box.until(S.COMMITTED, version=2)
        box.keeper.suspect(unproven)
        await asyncio.sleep(0.3)
        assert box.states() == ["superseded", "committed"]
        box.keeper.suspect(unproven)
        assert (await box.until(S.ROLLED_BACK, version=2)).error_code == "probation.crashes"
        await box.when(lambda: box.active() == first.sha256, "the one before judges")
        assert box.states() == ["committed", "rolled_back"]


async def test_workers_that_never_start_with_it_never_judge_with_it(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    workers = Workers(unready={first.sha256})
    async with kept(tmp_path / "box", group, workers=workers) as box:
        box.want(group.desired(first))
        assert (await box.until(S.ROLLED_BACK)).error_code == "content.unready"
        assert workers.switches == 0


async def test_the_second_unclean_boot_takes_it_back(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group, clean=False) as box:
        box.want(group.desired(first))
        await box.until(S.PROBATION)
    async with kept(tmp_path / "box", group, clean=False) as box:
        assert box.active() == first.sha256
    async with kept(tmp_path / "box", group) as box:
        assert box.active() is None
        (release,) = box.releases()
        assert (release.state, release.error_code) == (S.ROLLED_BACK, "probation.boots")


@pytest.mark.parametrize("code", ["selftest.crash", "content.golden"])
async def test_what_fails_its_self_test_is_never_active(tmp_path: Path, group: Publisher, code: str) -> None:
    first = group.release(pack())
    async with kept(tmp_path / "box", group, proof=Proof(code=code)) as box:
        box.want(group.desired(first))
        assert (await box.until(S.FAILED_SELFTEST)).error_code == code
        assert (box.active(), box.workers.switches) == (None, 0)


async def test_tampered_bytes_are_not_run_at_the_next_start(tmp_path: Path, group: Publisher) -> None:
    first, second = group.release(pack(version=1)), group.release(pack(version=2, most=120.0))
    async with kept(tmp_path / "box", group) as box:
        for target, rollout in ((first, "r1"), (second, "r2")):
            box.want(group.desired(target, rollout=rollout, probation_s=0))
            await box.until(S.COMMITTED, version=target.version)
        path = package_path(box.box.services.settings.content_path, second.sha256)
    path.write_bytes(path.read_bytes().replace(b"120", b"999"))
    async with kept(tmp_path / "box", group) as box:
        assert box.active() == first.sha256
        assert (2, "rolled_back", "trust.hash", "") in told(box)
        # Signed bytes are fetched anew, and go the whole way again.
        await box.until(S.COMMITTED, version=2)
        await box.when(lambda: box.active() == second.sha256, "it judges again")
        assert box.states() == ["superseded", "rolled_back", "committed"]


@pytest.mark.parametrize("off", [-10 * YEARS_MS, 10 * YEARS_MS])
async def test_a_wrong_clock_activates_nothing_and_stops_nothing(
    tmp_path: Path, group: Publisher, off: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wall() -> int:
        return now_ms() + off

    first, second = group.release(pack(version=1)), group.release(pack(version=2, most=120.0))
    async with kept(tmp_path / "box", group) as box:
        box.want(group.desired(first, probation_s=0))
        await box.until(S.COMMITTED)
    if off < 0:  # the list has run out since, whatever the clock says
        group.group.at -= 20 * 24 * 3600 * 1000
        group.group.publish()
        group.group.at += 20 * 24 * 3600 * 1000
        group.put()
    monkeypatch.setattr(trust_of, "__defaults__", (wall,))  # by it the workers look at what they load
    async with kept(tmp_path / "box", group, wall=wall) as box:
        assert box.active() == first.sha256 and not box.keeper.account.fallen
        box.want(group.desired(second, rollout="r2"))
        await box.when(lambda: len(told(box)) > 6 and told(box)[-1][2], "it is told why it waits")
        assert box.states() == ["committed", "assigned"]
        assert told(box)[-1][2] in ("trust.expired", "trust.clock")
        await box.when(lambda: box.box.db.read(content.notices).stale, "the banner")


async def test_an_engineer_brings_a_stick_and_takes_a_release_back(tmp_path: Path, group: Publisher) -> None:
    first = group.release(pack())
    folder = tmp_path / "box" / "content"
    async with kept(tmp_path / "box", group, folder=None) as box:
        ask(folder, Ask("fetch", folder=str(group.folder), who="root"))
        await box.judging_by(first.sha256)
        ask(folder, Ask("roll_back", "kv-check", reason="not ours", who="root"))
        await box.until(S.ROLLED_BACK)
        await box.when(lambda: box.active() is None, "what ships judges")
        assert not list((folder / "asks").iterdir())


@pytest.mark.parametrize("hear", [b"{}", b"no json", b""])
async def test_what_cannot_be_read_changes_nothing(tmp_path: Path, group: Publisher, hear: bytes) -> None:
    async with kept(tmp_path / "box", group) as box:
        box.keeper.hear("desired", hear)
        box.keeper.hear("chunk", hear)
        await asyncio.sleep(0.1)
        assert not box.releases()
