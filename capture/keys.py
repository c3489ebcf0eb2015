"""What stands for a UID where no identity may be."""

from __future__ import annotations

import hashlib


def key_of(uid: str | None) -> str:
    """Equal where the UIDs are equal, and worth nothing to anybody else; "" without one."""
    return hashlib.blake2b(uid.encode(), digest_size=16, person=b"qcbox-set").hexdigest() if uid else ""
