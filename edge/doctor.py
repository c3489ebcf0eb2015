"""Doctor: what an engineer would look at first, each with what to do about it. Looks only, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edge import doctor_machine as machine
from edge import doctor_network as network
from edge.check import Check
from edge.content import check as content
from edge.enrol.check import certificate
from edge.forward import status as forward
from edge.settings import Settings


def examine(settings: Settings) -> list[Check]:
    """Every check, in the order in which a failure explains later ones."""
    return [check for look in _CHECKS for check in look(settings)]


_CHECKS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    machine.python, machine.sqlite, content.judging, content.trust, machine.decoders, machine.disk, machine.folder,
    machine.spool, machine.clock, network.ports, network.broker, certificate, forward.checks, machine.screens,
)  # fmt: skip
