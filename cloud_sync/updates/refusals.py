"""Why something is not believed: stable codes, a text in both languages for each, and tuf's errors as codes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    SlowRetrievalError,
    UnsignedMetadataError,
)

from cloud_sync.updates.terms import Untrusted

REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "no_root": ("本机尚未登记质控组的根密钥", "The QC group's root is not known to this box"),
        "signature": ("签名无效或不是受信任的人所签", "Not signed by anybody who may sign it"),
        "threshold": ("签名人数不足", "Not signed by enough different people"),
        "rollback": ("比本机已知的更旧", "Older than what this box has already seen"),
        "expired": ("签名信息已过期", "The signed information is out of date"),
        "clock": ("本机时钟被调回，已过期的信息不会因此生效",
                  "The clock of this box was set back; what had expired stays expired"),
        "hash": ("内容与签名的哈希不符", "The content is not what was signed"),
        "length": ("长度与签名的不符", "It is not as long as what was signed"),
        "mix": ("来自不同版本的信息被拼在一起", "Parts of different versions were put together"),
        "not_listed": ("已签名的清单中没有它（从未发布，或已撤回）",
                       "The signed list does not name it: never published, or withdrawn"),
        "audience": ("不是发给本机的（分组或设备类型不符）",
                     "Meant for others: this box is not in its groups or modalities"),
        "release": ("发布序号低于本机用过的", "Its release counts lower than one that this box has run"),
        "min_agent": ("需要更新的程序版本", "It needs a newer version of the program"),
        "metadata": ("签名信息无法读取", "The signed information cannot be read"),
        "slow": ("传输过慢，已放弃", "It came too slowly and was given up"),
        "download": ("下载失败", "The download failed"),
    }
)  # fmt: skip
"""Code to its text, Chinese and English."""

_SIGNERS = re.compile(r"signed by (\d+)/(\d+) keys")
_VERSIONED = re.compile(r"metadata/(\d+)\.(.+)\.json")


def untrusted(error: Exception, asked: str = "", came: bytes = b"") -> Untrusted:
    """The refusal for one of tuf's errors. ``asked`` and ``came``: the file that it was about and what it held.

    The detail names files, sizes and kinds of error; never content.
    """
    if isinstance(error, Untrusted):
        return error
    said = str(error)[:80] if isinstance(error, DownloadError) else type(error).__name__
    return Untrusted(_code(error, asked, came), ": ".join(filter(None, (asked.rpartition("/")[2], said))))


def _code(error: Exception, asked: str, came: bytes) -> str:
    if isinstance(error, BadVersionNumberError):
        return _version_code(asked, came)
    if isinstance(error, UnsignedMetadataError):
        signers = _SIGNERS.search(str(error))
        return "threshold" if signers and int(signers[1]) > 0 else "signature"
    if isinstance(error, DownloadHTTPError):
        return "download"
    plain: tuple[tuple[type[Exception], str], ...] = (
        (ExpiredMetadataError, "expired"),
        (LengthOrHashMismatchError, "hash"),
        (DownloadLengthMismatchError, "length"),
        (SlowRetrievalError, "slow"),
        (DownloadError, "download"),
    )
    return next((code for kind, code in plain if isinstance(error, kind)), "metadata")


def _version_code(asked: str, came: bytes) -> str:
    """tuf has one error for two attacks. A file that is not the version it was asked as, or that its parent
    does not name, was mixed in; one whose content goes back is a rollback."""
    match = _VERSIONED.fullmatch(asked)
    if match is None or match[2] == "root":
        return "rollback"
    if match[2] == "snapshot" and _version(came) == int(match[1]):
        return "rollback"
    return "mix"


def _version(came: bytes) -> object:
    try:
        return json.loads(came)["signed"]["version"]
    except (ValueError, KeyError, TypeError):
        return None
