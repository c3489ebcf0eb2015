"""Names of what lies in the folder ``enrolment``, and what to say when it does not help."""

from __future__ import annotations

from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual

CURRENT, NEXT = "current", "next"
KEY, CERTIFICATE, AUTHORITIES, ROOT, GRANT = (
    "key.pem", "certificate.pem", "authorities.pem", "root.json", "grant.json",
)  # fmt: skip


def unreadable(path: Path) -> Misuse:
    """What is there does not help."""
    return Misuse(
        "enrol.folder",
        Bilingual("注册文件无法读取", "The files of the enrolment cannot be read"),
        Bilingual(
            f"检查 {path} 的权限；若已损坏，请中心发新令牌重新注册",
            f"Look at the permissions of {path}; if it is damaged, get a new token and enrol again",
        ),
    )
