"""What a person does with an image: stored, audited and queued for the centre in one transaction, then shown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sqlalchemy import Connection

from capture.errors import Misuse
from capture.text import Bilingual
from edge.clock import now_ms
from edge.console.auth import Viewer
from edge.console.frame import Console
from edge.console.report import tell_acknowledged, tell_decision, tell_override
from edge.console.wording import REJECT_REASONS
from edge.content.machine import Machine
from edge.content.overhearing import take_back
from edge.overrides.site import left_out
from edge.store import audit, baselines, confirmed, decisions, overrides
from edge.store.decisions import Decision, plain
from models.content.overrides import SiteLayer
from models.rules.schema import OverrideSpec


async def acknowledge(console: Console, viewer: Viewer, case_id: str) -> None:
    """A person has seen the alert; the image stays as it is.

    Raises:
        Misuse: there is no verdict on this image.
    """
    services, now = console.services, now_ms()

    def store(connection: Connection) -> None:
        if decisions.acknowledge(connection, case_id, viewer.account, now):
            tell_acknowledged(connection, services, case_id, viewer.account, now)

    await services.db.awrite(store)
    services.announcer.announce("decision", 0)


async def decide(
    console: Console, viewer: Viewer, case_id: str, action: str, reason_code: str | None, comment: str | None
) -> Decision:
    """Accept, repeat or release.

    Raises:
        Misuse: the reason is not one of CID 7011; else as :func:`edge.store.decisions.decide`.
    """
    if reason_code is not None and reason_code not in REJECT_REASONS:
        raise Misuse(
            "decision.reason", Bilingual("没有这个原因代码", "There is no such reason code"), decisions.AGAIN
        )
    services = console.services

    def store(connection: Connection) -> Decision:
        made = decisions.decide(
            connection, case_id, viewer.account, action, reason_code=reason_code, comment=comment, now=now_ms()
        )
        tell_decision(connection, services, made, viewer.account)
        return made

    made = await services.db.awrite(store)
    services.announcer.announce("decision", made.id)
    return made


async def reset_baselines(
    console: Console, viewer: Viewer, device_id: int, device_key: str, measure: str | None, reason: str
) -> None:
    """A device is learned anew; who wanted it, and why, is in the audit log.

    Raises:
        Misuse: nothing of this device has been learned under that name.
    """
    now = now_ms()

    def store(connection: Connection) -> None:
        if not baselines.reset(connection, device_id, now, measure):
            raise Misuse(
                "baseline.unknown", Bilingual("没有这条基线", "There is no such baseline"), decisions.AGAIN
            )
        detail = f"{measure or '*'}: {plain(reason)}"
        audit.add(connection, now, viewer.account.id, "baseline.reset", device_key, detail)

    await console.services.db.awrite(store)
    console.services.announcer.announce("decision", 0)


async def confirm_fields(console: Console, viewer: Viewer, case_id: str, texts: Mapping[str, str]) -> None:
    """A person says what the screen showed; the image is judged again with it.

    Raises:
        Misuse: as :func:`edge.store.confirmed.confirm`.
    """
    now = now_ms()
    await console.services.db.awrite(lambda c: confirmed.confirm(c, case_id, viewer.account.id, texts, now))


async def override(
    console: Console, viewer: Viewer, layer: SiteLayer, subject: str, change: OverrideSpec, note: str
) -> None:
    """A rule is changed for the site, a device or a person: in force with the next image, known to the centre.

    Raises:
        Misuse: ``override.note``: no reason; ``pack.override.*``: the layers above do not allow it.
    """
    if not plain(note):
        raise Misuse(
            "override.note",
            Bilingual("没有写明原因", "No reason is given"),
            Bilingual("写一句修改的原因", "Say in a sentence why it is changed"),
        )
    services, now = console.services, now_ms()
    standard = await asyncio.to_thread(services.rulebook.standard)

    def store(connection: Connection) -> None:
        made, before = overrides.add(connection, layer, subject, change, plain(note), viewer.account.id, now)
        refused = left_out(standard, overrides.in_force(connection)).get(made)
        if refused is not None:
            raise refused
        for number in (*before, made):
            tell_override(connection, services, overrides.one(connection, number), viewer.account)
        audit.add(connection, now, viewer.account.id, "rule.changed", change.rule, f"{layer} {subject}".strip())

    await services.db.awrite(store)
    services.rulebook.changed()


async def take_override_back(console: Console, viewer: Viewer, override_id: int) -> None:
    """The standard applies again.

    Raises:
        Misuse: ``override.gone``: it is not in force.
    """
    services, now = console.services, now_ms()

    def store(connection: Connection) -> None:
        if not overrides.remove(connection, override_id, viewer.account.id, now):
            raise Misuse(
                "override.gone",
                Bilingual("这项修改已不再有效", "This change is not in force any more"),
                decisions.AGAIN,
            )
        taken = overrides.one(connection, override_id)
        tell_override(connection, services, taken, viewer.account)
        audit.add(connection, now, viewer.account.id, "rule.restored", taken.change.rule if taken else "", "")

    await services.db.awrite(store)
    services.rulebook.changed()


async def take_content_back(console: Console, viewer: Viewer, name: str, note: str) -> None:
    """What judges under a name is taken back: what was before it judges again, else what ships.

    Raises:
        Misuse: ``content.note``: no reason; ``content.not_active``: nothing of the group's judges under this name.
    """
    if not plain(note):
        raise Misuse(
            "content.note", Bilingual("没有写明原因", "No reason is given"),
            Bilingual("写一句撤回的原因", "Say in a sentence why it is taken back"),
        )  # fmt: skip
    services, now = console.services, now_ms()
    machine = Machine(services.outbox, services.reporter)

    def store(connection: Connection) -> None:
        if not take_back(connection, machine, name, now):
            raise Misuse(
                "content.not_active",
                Bilingual(f"{name} 没有生效的版本可撤回", f"No release of {name} is active"),
                decisions.AGAIN,
            )
        audit.add(connection, now, viewer.account.id, "content.rolled_back", name, plain(note))

    await services.db.awrite(store)
    services.rulebook.changed()


async def undo(console: Console, viewer: Viewer, decision_id: int) -> Decision:
    """Take a decision back within the shift.

    Raises:
        Misuse: as :func:`edge.store.decisions.undo`.
    """
    services, window = console.services, console.settings.undo_hours * 3_600_000

    def store(connection: Connection) -> Decision:
        undone = decisions.undo(connection, decision_id, viewer.account, now_ms(), window)
        tell_decision(connection, services, undone, viewer.account)
        return undone

    undone = await services.db.awrite(store)
    services.announcer.announce("decision", undone.id)
    return undone
