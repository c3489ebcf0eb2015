"""Doctor: what an engineer would look at first, each with what to do about it. Looks only, changes nothing."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from capture.errors import QcError
from capture.text import Bilingual
from edge.clock import synced
from edge.settings import Settings
from models.bundles import golden
from models.bundles.library import Library

State = Literal["ok", "warning", "failed"]
_PATIENCE_S = 3.0
_FIRST_AFFECTED = (3, 7, 0)
_FIXED = (3, 51, 3)
_FIXED_BRANCHES = {(3, 50): 7, (3, 44): 6}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``hint`` is there when it is not ``ok``."""

    name: str
    state: State
    text: Bilingual
    hint: Bilingual | None = None


def examine(settings: Settings) -> list[Check]:
    """Every check, in the order in which a failure explains later ones."""
    return [check for look in _CHECKS for check in look(settings)]


def _python(settings: Settings) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    text = Bilingual(f"Python {version}", f"Python {version}")
    if (3, 11) <= sys.version_info < (3, 14):
        yield Check("python", "ok", text)
    else:
        yield Check("python", "failed", text, Bilingual("需要 3.11 至 3.13", "3.11 to 3.13 is needed"))


def wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite can corrupt a WAL database when two connections write or checkpoint at once.

    3.7.0 to 3.51.2, except 3.50.7 and 3.44.6 and what followed on those branches (https://sqlite.org/wal.html).
    """
    fixed_from = _FIXED_BRANCHES.get(version[:2])
    backported = fixed_from is not None and version[2] >= fixed_from
    return _FIRST_AFFECTED <= version < _FIXED and not backported


def _sqlite(settings: Settings) -> Iterator[Check]:
    version = sqlite3.sqlite_version
    if wal_reset_bug(sqlite3.sqlite_version_info):
        text = Bilingual(
            f"SQLite {version} 有 WAL 重置缺陷；本产品只有一个写入进程，不会触发",
            f"SQLite {version} has the WAL-reset bug; here one process writes, which does not trigger it",
        )
        hint = Bilingual("不要用其他程序打开数据库写入", "Let no other program open the database for writing")
        yield Check("sqlite", "warning", text, hint)
    else:
        yield Check("sqlite", "ok", Bilingual(f"SQLite {version}", f"SQLite {version}"))


def _disk(settings: Settings) -> Iterator[Check]:
    folder = _existing(settings.data_dir)
    free_mb = shutil.disk_usage(folder).free >> 20
    text = Bilingual(f"数据盘剩余 {free_mb} MB", f"{free_mb} MB free where the data is")
    if free_mb < settings.spool.min_free_mb:
        hint = Bilingual(
            "设备的图像正被拒收（A700）；清理磁盘或缩短 retention.days",
            "Images are being refused (A700); free space or shorten retention.days",
        )
        yield Check("disk", "failed", text, hint)
    elif free_mb < 2 * settings.spool.min_free_mb:
        yield Check("disk", "warning", text, Bilingual("请尽快清理", "Free space soon"))
    else:
        yield Check("disk", "ok", text)


def _folder(settings: Settings) -> Iterator[Check]:
    mode = _existing(settings.data_dir).stat().st_mode & 0o077
    if settings.data_dir.exists() and mode:
        text = Bilingual("数据目录其他用户可访问", "Other users can enter the data folder")
        yield Check(
            "folder",
            "warning",
            text,
            Bilingual(f"chmod 700 {settings.data_dir}", f"chmod 700 {settings.data_dir}"),
        )
    else:
        yield Check("folder", "ok", Bilingual("数据目录权限正确", "The data folder is private"))


def _spool(settings: Settings) -> Iterator[Check]:
    aside = len(list((settings.spool_path / "aside").glob("*.reason.json")))
    text = Bilingual(f"接收区有 {aside} 个对象待人处理", f"{aside} objects in the spool wait for a person")
    if aside:
        folder = settings.spool_path / "aside"
        yield Check("spool", "warning", text, Bilingual(f"查看 {folder}", f"Look into {folder}"))
    else:
        yield Check("spool", "ok", text)


def _ports(settings: Settings) -> Iterator[Check]:
    yield _port("dicom port", settings.dicom.host, settings.dicom.port, "qcbox listen")
    yield _port("console port", settings.console.host, settings.console.port, "qcbox agent")


def _port(name: str, host: str, port: int, program: str) -> Check:
    """Somebody answers, or it could be bound; either is well."""
    if _answers("127.0.0.1" if host in ("0.0.0.0", "::") else host, port):  # noqa: S104 - compared, not bound
        return Check(name, "ok", Bilingual(f"端口 {port} 有应答", f"Port {port} answers"))
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            text = Bilingual(
                f"端口 {port} 空闲，{program} 未运行", f"Port {port} is free: {program} is not running"
            )
            return Check(name, "warning", text, Bilingual(f"启动 {program}", f"Start {program}"))
    except OSError:
        text = Bilingual(f"端口 {port} 无法使用", f"Port {port} cannot be used")
        return Check(name, "failed", text, Bilingual("换端口或赋予权限", "Choose another port, or give the right"))


def _clock(settings: Settings) -> Iterator[Check]:
    state = synced()
    if state:
        yield Check("clock", "ok", Bilingual("时钟已同步", "The clock is synchronised"))
    else:
        text = (
            Bilingual("时钟未同步", "The clock is not synchronised")
            if state is False
            else Bilingual("无法得知时钟是否同步", "Nobody can tell whether the clock is synchronised")
        )
        yield Check("clock", "warning", text, Bilingual("启用 NTP（chrony）", "Set up NTP (chrony)"))


def _broker(settings: Settings) -> Iterator[Check]:
    link = settings.link
    where = f"{link.host}:{link.port}"
    if not link.enabled:
        yield Check("broker", "ok", Bilingual("未启用上传中心", "Sending to a centre is switched off"))
    elif _answers(link.host, link.port):
        yield Check("broker", "ok", Bilingual(f"消息服务 {where} 有应答", f"The broker {where} answers"))
    else:
        text = Bilingual(f"消息服务 {where} 没有应答", f"The broker {where} does not answer")
        hint = Bilingual(
            "检查网络和防火墙；结果存于本盒，恢复后自动补传",
            "Look at network and firewall; results wait here and are sent when it is back",
        )
        yield Check("broker", "warning", text, hint)


def _decoders(settings: Settings) -> Iterator[Check]:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    from capture.dicom.decoders import PLUGINS

    lacking = [
        UID(uid).name for uid, plugin in PLUGINS.items() if plugin not in get_decoder(UID(uid)).available_plugins
    ]
    if lacking:
        names = ", ".join(sorted(lacking))
        text = Bilingual(f"无法解码：{names}", f"Cannot decode: {names}")
        yield Check("decoders", "warning", text, Bilingual("重新安装 qcbox", "Install qcbox again"))
    else:
        count = len(PLUGINS)
        yield Check(
            "decoders", "ok", Bilingual(f"可解码 {count} 种压缩格式", f"{count} compressed formats decode")
        )


def _content(settings: Settings) -> Iterator[Check]:
    from models.judge import load_content

    own = settings.content
    try:
        content = load_content(own.packs, own.bundles, own.bundle_most, own.trial)
    except QcError as error:
        yield Check("content", "failed", error.text, error.hint)
    else:
        packs, producers = len(content.rules.packs), len(content.producers)
        text = Bilingual(f"{packs} 个规则包、{producers} 个测量器", f"{packs} rule packs, {producers} producers")
        yield Check("content", "ok", text)
        yield _networks(content.bundles)


def _networks(bundles: Library) -> Check:
    """Every network runs on this machine and says what it must."""
    try:
        wrong = [bundle.name for bundle in bundles if not all(one.holds for one in golden.check(bundle))]
    except QcError as error:
        return Check("networks", "failed", error.text, error.hint)
    if not wrong:
        count = len(bundles)
        return Check("networks", "ok", Bilingual(f"{count} 个网络运行正确", f"{count} networks run as they must"))
    names = ", ".join(wrong)
    return Check(
        "networks",
        "failed",
        Bilingual(f"网络输出与验证样本不符：{names}", f"Networks do not say what they must: {names}"),
        Bilingual("用 qcbox bundles check 查看；重新安装", "Look with qcbox bundles check; install again"),
    )


def _screens(settings: Settings) -> Iterator[Check]:
    """What the process of each screen says of its picture."""
    from capture.screen import window
    from capture.screen.signal import State

    for screen in settings.screens:
        name = f"screen {screen.name}"
        told = window.seen(settings.screens_path / "live" / screen.name)
        if told is None:
            text = Bilingual("采集进程未运行", "Its process is not running")
            start = f"systemctl enable --now qcbox-screen@{screen.name}"
            yield Check(name, "warning", text, Bilingual(start, start))
        elif told.state is State.OK:
            yield Check(name, "ok", told.reason)
        else:
            yield Check(name, "warning", told.reason, told.hint)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE_S):
            return True
    except OSError:
        return False


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


_CHECKS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    _python, _sqlite, _content, _decoders, _disk, _folder, _spool, _clock, _ports, _broker, _screens,
)  # fmt: skip
