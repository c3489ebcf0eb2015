"""What people do to a rollout. Each deed is one transaction: the rollout, what boxes shall run, and the audit."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import Connection, select

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import accounts, schema
from cloud_sync.central.rollout import changes, desired, rows, tables
from cloud_sync.central.rollout.changes import Deed
from cloud_sync.central.rollout.plan import FAILURES, waves
from cloud_sync.central.rollout.rows import Rollout
from cloud_sync.central.rollout.terms import OPEN, REASON, TARGET, Plan, Reason, RolloutState
from cloud_sync.updates.terms import Target

_rollout, _wave, _member = tables.rollout, tables.wave, tables.member
_GROUP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def start(connection: Connection, target: Target, plan: Plan, *, by: str, now: int, why: str = "") -> int:
    """Begin with the canary; the rollout's number. An open rollout of the same name ends in its favour.

    ``target`` as the published metadata lists it; ``by``: the account; ``now``: UTC milliseconds.

    Raises:
        Misuse: a newer release of this name has been rolled out already, or the release is for no box.
    """
    others = [one for one in rows.listed(connection) if one.target.name == target.name]
    if any(one.target.release > target.release for one in others):
        raise Misuse(
            "rollout.older",
            Bilingual("已发布过更新的版本", "A newer release of this name has been rolled out already"),
            Bilingual("需要旧内容时，以旧内容制作新版本", "To go back, make a new release with the old content"),
        )
    candidates = rows.candidates(connection, target.audience)
    if not candidates:
        raise Misuse(
            "rollout.nobody",
            Bilingual("没有质控盒符合该版本的对象范围", "The release is for no box that there is"),
            Bilingual("检查质控盒的分组和设备类型", "Look at the boxes' groups and modalities"),
        )
    for other in others:
        if other.state in OPEN:
            end = Deed("superseded", by, now, Reason("superseded", (("version", str(target.version)),)))
            changes.move(connection, other, RolloutState.SUPERSEDED, end)
    begin = Deed("started", by, now, Reason("started"), why)
    number: int = connection.execute(
        _rollout.insert()
        .values(
            name=target.name, version=target.version, release=target.release, sha256=target.sha256,
            target=TARGET.dump_json(target).decode(), plan=plan.model_dump_json(), state=RolloutState.RUNNING,
            wave=0, watched_from=now, reason=REASON.dump_json(begin.reason).decode(), started_by=by,
            started_at=now,
        )
        .returning(_rollout.c.id)
    ).scalar_one()  # fmt: skip
    planned = waves(plan, number, candidates)
    members = [
        {"rollout": number, "box": box, "wave": wave} for wave, boxes in enumerate(planned) for box in boxes
    ]
    connection.execute(_member.insert(), members)
    numbers = [
        {"rollout": number, "number": wave, "started_at": None if wave else now} for wave in range(len(planned))
    ]
    connection.execute(_wave.insert(), numbers)
    changes.note(connection, rows.one(connection, number), begin)
    desired.refresh(connection, now)
    return number


def approve(connection: Connection, number: int, *, by: str, now: int, why: str = "") -> None:
    """The next wave of a rollout that waits begins, after its last one it is complete.

    Raises:
        Misuse: it does not wait, or whoever started it approves it.
    """
    one = _expect(connection, number, RolloutState.WAITING)
    _other_person(one, by)
    changes.advance(connection, one, Deed("approved", by, now, Reason("approved"), why))


def next_wave(connection: Connection, number: int, *, by: str, now: int, why: str) -> None:
    """The next wave begins although the present one has not shown its success, or not for long enough.

    Raises:
        Misuse: it does not run, no word was said why, or another person must say so after this wave.
    """
    one = _expect(connection, number, RolloutState.RUNNING)
    if one.wave in one.plan.pause_after:
        _other_person(one, by)
    changes.advance(connection, one, Deed("hurried", by, now, Reason("hurried"), _said(why)))


def pause(connection: Connection, number: int, *, by: str, now: int, why: str) -> None:
    """Nobody else activates it; a box on its way gives it up. Raises Misuse as ``next_wave``."""
    one = _expect(connection, number, RolloutState.RUNNING, RolloutState.WAITING)
    changes.move(connection, one, RolloutState.PAUSED, Deed("paused", by, now, Reason("paused"), _said(why)))


def resume(connection: Connection, number: int, *, by: str, now: int, why: str) -> None:
    """Go on where it was. Failures and signals up to now are accepted: they do not stop it again.

    Raises:
        Misuse: it is not paused, or no word was said why.
    """
    one = _expect(connection, number, RolloutState.PAUSED)
    failed = [member.box for member in rows.members(connection, one) if member.standing(one.plan, now) in FAILURES]
    mine = (_member.c.rollout == number) & _member.c.box.in_(failed)
    connection.execute(_member.update().where(mine).values(accepted=1))
    connection.execute(_rollout.update().where(_rollout.c.id == number).values(watched_from=now))
    changes.move(connection, one, RolloutState.RUNNING, Deed("resumed", by, now, Reason("resumed"), _said(why)))


def pause_after(connection: Connection, number: int, *, by: str, now: int, why: str = "") -> None:
    """After the present wave's success a person must say go on. Raises Misuse when it does not run."""
    one = _expect(connection, number, RolloutState.RUNNING)
    connection.execute(_rollout.update().where(_rollout.c.id == number).values(pause_after=1))
    changes.note(connection, one, Deed("stop_set", by, now, Reason("stop_set"), why))


def abort(connection: Connection, number: int, *, by: str, now: int, why: str) -> None:
    """Take it back from every box that has not activated it. Boxes that run it keep it until a newer release.

    Raises:
        Misuse: it has ended, or no word was said why.
    """
    one = _expect(connection, number, *OPEN)
    changes.move(connection, one, RolloutState.CANCELLED, Deed("aborted", by, now, Reason("aborted"), _said(why)))


def put_in_group(connection: Connection, box: str, groups: Collection[str], *, by: str, now: int) -> None:
    """The groups of a box, in place of those before. Raises Misuse for an unknown box or a name that is none."""
    known = connection.scalar(select(schema.box.c.name).where(schema.box.c.name == box))
    wanted = sorted({group.strip() for group in groups} - {""})
    if known is None or any(not _GROUP.fullmatch(group) for group in wanted):
        raise Misuse(
            "rollout.group",
            Bilingual("质控盒或分组名无效", "There is no such box, or a group's name is not valid"),
            Bilingual("分组名用小写字母、数字和短横", "A group's name has lower-case letters, digits and dashes"),
        )
    connection.execute(tables.group.delete().where(tables.group.c.box == box))
    if wanted:
        connection.execute(tables.group.insert(), [{"box": box, "name": group} for group in wanted])
    accounts.note(connection, now, by, "box.grouped", f"{box}: {', '.join(wanted)}")
    desired.refresh(connection, now)


def _expect(connection: Connection, number: int, *states: RolloutState) -> Rollout:
    one = rows.one(connection, number, lock=True)
    if one.state not in states:
        raise Misuse(
            "rollout.state",
            Bilingual("发布的当前状态不允许此操作", "The rollout's present state does not allow this"),
            Bilingual("刷新页面查看当前状态", "Look at its present state"),
        )
    return one


def _other_person(one: Rollout, by: str) -> None:
    if by == one.started_by:
        raise Misuse(
            "rollout.same_person",
            Bilingual("启动发布的人不能批准下一批", "Who started a rollout does not approve its next wave"),
            Bilingual("请另一位成员批准", "Ask somebody else to approve"),
        )


def _said(why: str) -> str:
    if not why.strip():
        raise Misuse(
            "rollout.why",
            Bilingual("缺少原因", "A word why is missing"),
            Bilingual("写一句原因，它会记入审计", "Write a line; it goes into the audit"),
        )
    return why.strip()[:500]
