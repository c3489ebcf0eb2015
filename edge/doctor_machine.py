"""The machine, its disk and what is plugged into it, for the doctor."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from capture.text import Bilingual
from edge.check import Check
from edge.clock import synced
from edge.settings import Settings

_FIRST_AFFECTED = (3, 7, 0)
_FIXED = (3, 51, 3)
_FIXED_BRANCHES = {(3, 50): 7, (3, 44): 6}


def python(settings: Settings) -> Iterator[Check]:
    """The interpreter."""
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


def sqlite(settings: Settings) -> Iterator[Check]:
    """The library under the database."""
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


def disk(settings: Settings) -> Iterator[Check]:
    """Room for what comes."""
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


def folder(settings: Settings) -> Iterator[Check]:
    """Nobody else may enter."""
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


def spool(settings: Settings) -> Iterator[Check]:
    """What a person must look at."""
    aside = len(list((settings.spool_path / "aside").glob("*.reason.json")))
    text = Bilingual(f"接收区有 {aside} 个对象待人处理", f"{aside} objects in the spool wait for a person")
    if aside:
        folder = settings.spool_path / "aside"
        yield Check("spool", "warning", text, Bilingual(f"查看 {folder}", f"Look into {folder}"))
    else:
        yield Check("spool", "ok", text)


def clock(settings: Settings) -> Iterator[Check]:
    """Whether anybody keeps it."""
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


def decoders(settings: Settings) -> Iterator[Check]:
    """Compressed pixels."""
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


def screens(settings: Settings) -> Iterator[Check]:
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


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
