"""Signed content for tests: small packs, a QC group that signs them, a repository in a folder."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from cloud_sync.updates.terms import Area, Target
from cloud_sync.wire.control import Desired, Wanted
from cloud_sync.wire.words import ContentState
from edge.clock import now_ms
from edge.content.chosen import FACTORY
from edge.content.machine import Machine
from edge.content.proving import Proof, Question
from edge.content.steps import Steps
from edge.content.trusting import root_path
from edge.services import Services
from edge.store import content
from models.content.manifest import Kind
from models.content.package import open_package, packed
from tests.attacks.repository import Group

HEAD = """
name = "{name}"
version = {version}
layer = "L2"
authors = ["a physicist"]
[title]
zh = "试验"
en = "Trial"
[note]
zh = "第 {version} 版"
en = "Version {version}"
[scope]
modality = ["DX"]
"""
RULE = """
[[rule]]
id = "{id}.kv"
fails = 'dicom.KVP > limit.most_kv'
severity = "{severity}"
deduct = {{ fail = 30 }}
group = "exposure"
source = "a textbook"
evidence = "E"
[rule.limit]
most_kv = {{ value = {most}, min = 1.0, max = 400.0 }}
[rule.text.zh]
title = "{zh}"
advice = "管电压 {{dicom.KVP}}，限 {{limit.most_kv}}"
[rule.text.en]
title = "{en}"
advice = "Tube voltage {{dicom.KVP}}, limit {{limit.most_kv}}"
"""
CASES = """
[case."{id}.kv"]
passes = [{{ dicom.KVP = {passes} }}]
fails = [{{ dicom.KVP = {fails} }}]
not_assessed = [{{}}]
"""


def pack(
    name: str = "kv-check", version: int = 1, most: float = 150.0, *, passes: float | None = None,
    severity: str = "major", zh: str = "管电压过高", en: str = "Tube voltage too high",
) -> bytes:  # fmt: skip
    """A rule pack with one rule on the tube voltage. ``passes``: a case that the rule shall pass, wrong if above
    the limit."""
    rule = name.replace("-", "").capitalize()
    files = {
        "pack.toml": HEAD.format(name=name, version=version),
        "rules.toml": RULE.format(id=rule, most=most, severity=severity, zh=zh, en=en),
        "cases.toml": CASES.format(id=rule, passes=most - 1 if passes is None else passes, fails=most + 1),
    }
    return packed(name, {path: text.encode() for path, text in files.items()}, "pack")


class Publisher:
    """A QC group with a repository in a folder."""

    def __init__(self, folder: Path, at: int | None = None) -> None:
        self.folder = folder
        areas: tuple[Area, ...] = ("general", "radiography", "ct")
        self.group = Group(at=at or time.time_ns() // 1_000_000, areas=areas)
        self._releases = 0
        self._rev = 0
        self.put()

    def put(self) -> None:
        """What is signed goes into the folder."""
        self.group.write(self.folder)

    def release(self, raw: bytes, **says: Any) -> Target:
        """Sign and publish a package."""
        said = open_package(raw).manifest
        kind: Kind = said.kind
        self._releases += 1
        target = self.group.add(
            raw, said.area, said.name, said.version, **{"kind": kind, "release": self._releases, **says}
        )
        self.group.publish()
        self.put()
        return target

    def withdraw(self, target: Target) -> None:
        """List it no more."""
        area = target.path.split("/")[1]
        del self.group.areas[f"kb-{area}"].targets[target.path]
        self.group.publish()
        self.put()

    def desired(self, *targets: Target, rollout: str = "r1", rev: int | None = None, **says: Any) -> Desired:
        """What the centre would say on ``dn/desired``."""
        if rev is None:
            self._rev += 1
        kb = tuple(wanted(target, rollout, **says) for target in targets)
        return Desired(rev=self._rev if rev is None else rev, t=0, kb=kb)


def wanted(target: Target, rollout: str = "r1", **says: Any) -> Wanted:
    """One release as the centre names it."""
    return Wanted(
        name=target.name, version=target.version, path=target.path, sha256=target.sha256, length=target.length,
        rollout=rollout, **says,
    )  # fmt: skip


async def bring(box: Services, group: Publisher, *targets: Target, as_of: str = "committed", **says: Any) -> None:
    """Releases on a box without an agent, one after the other, each taken as far as ``as_of``. The self-test is
    not run."""
    path = root_path(box.settings.content_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(group.group.pinned())
    machine = Machine(box.outbox, box.reporter)

    async def holds(question: Question) -> Proof:
        return Proof(held=1)

    steps = Steps(box.settings, box.db, machine, None, lambda c: content.chosen(c, FACTORY), proof=holds)
    steps.look_into(group.folder)
    for target in targets:
        box.db.write(lambda c, t=target: machine.assign(c, wanted(t, **says), 1_790_000_000_000))  # type: ignore[misc]
        while await steps.carry(asyncio.Event()):
            pass
        latest = box.db.read(content.releases)[-1]
        if as_of == "committed" and latest.state is ContentState.PROBATION:
            box.db.write(lambda c, r=latest: machine.commit(c, r, now_ms()))  # type: ignore[misc]
