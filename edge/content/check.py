"""What judges and what is believed, for the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from sqlalchemy.exc import DatabaseError

from capture.errors import QcError
from capture.text import Bilingual
from cloud_sync.updates.refusals import REASONS
from edge.check import Check
from edge.content.chosen import FACTORY, Chosen
from edge.content.loading import Refused, load, packages
from edge.content.trusting import trust_of
from edge.settings import Settings
from edge.store import content
from edge.store.database import engine
from models.bundles import golden
from models.bundles.bundle import read_bundle


def judging(settings: Settings) -> Iterator[Check]:
    """What is in force, verified, and whether its networks run. What is on its way: ``qcbox content status``."""
    try:
        chosen = _in_force(settings)
        loaded = load(chosen)
    except QcError as error:
        yield Check("content", "failed", error.text, error.hint)
        return
    judges, account = loaded.content, loaded.account
    packs, producers = len(judges.rules.packs), len(judges.producers)
    own = sum(one.origin == "group" for one in account.running)
    text = Bilingual(
        f"{packs} 个规则包、{producers} 个测量器，其中质控组发布 {own} 项",
        f"{packs} rule packs, {producers} producers; {own} packages are releases of the QC group",
    )
    if account.fallen:
        said = ", ".join(f"{one.name} ({one.code})" for one in account.fallen)
        text = Bilingual(f"无法运行，已回退：{said}", f"Cannot be run, what was before it judges: {said}")
        hint = Bilingual("运行 qcbox content status 查看", "Look with qcbox content status")
        yield Check("content", "failed", text, hint)
    else:
        yield Check("content", "ok", text)
    yield _networks(chosen)


def trust(settings: Settings) -> Iterator[Check]:
    """Whether the group's list is young enough to activate what is new."""
    standing = trust_of(settings.content_path).standing()
    if standing.stale is None:
        yield Check("trust", "ok", Bilingual("签名信息有效", "The signed list of the QC group is valid"))
    elif standing.stale.code == "no_root":
        yield Check("trust", "ok", Bilingual("尚未登记质控组", "No QC group is known to this box yet"))
    else:
        hint = Bilingual(
            "见 qcbox content status；现有内容照常判定", "See qcbox content status; what judges goes on"
        )
        yield Check("trust", "warning", Bilingual(*REASONS[standing.stale.code]), hint)


def _in_force(settings: Settings) -> Chosen:
    """What judges by the rows; what ships, where there are none yet."""
    if not settings.database_path.exists():
        return FACTORY
    reading = engine(settings.database_path, read_only=True)
    try:
        with reading.begin() as connection:
            return replace(content.chosen(connection, Chosen(settings.content_path)), trial=())
    except DatabaseError:  # of another version; the agent brings it up to date
        return FACTORY
    finally:
        reading.dispose()


def _networks(chosen: Chosen) -> Check:
    """Every network in force runs on this machine and says what it must."""
    count, wrong = 0, list[str]()
    try:
        with suppress(Refused):  # said of the content as a whole
            for package in packages(chosen):
                if package.kind == "bundle":
                    count += 1
                    if not all(one.holds for one in golden.check(read_bundle(package), package.files)):
                        wrong.append(f"{package.name} {package.version}")
    except QcError as error:
        return Check("networks", "failed", error.text, error.hint)
    if not wrong:
        return Check("networks", "ok", Bilingual(f"{count} 个网络运行正确", f"{count} networks run as they must"))
    names = ", ".join(wrong)
    return Check(
        "networks",
        "failed",
        Bilingual(f"网络输出与验证样本不符：{names}", f"Networks do not say what they must: {names}"),
        Bilingual(
            "质控组发布的请其撤回；随程序安装的请重新安装",
            "Ask the QC group to withdraw theirs; else install again",
        ),
    )
