"""The few unique identifiers that the receiver itself must know (PS3.6 annex A)."""

from __future__ import annotations

import re

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
PERFORMED_STEP = "1.2.840.10008.3.1.2.3.3"
COMMITMENT = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model."""
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
IMPLEMENTATION_CLASS = "2.25.216470469937060270423738454221384815791"
"""Ours, from a random UUID (PS3.5 B.2)."""
IMPLEMENTATION_VERSION = "QCBOX_1"

_STANDARD = "1.2.840.10008."
_STORAGE = "1.2.840.10008.5.1.4.1.1."
"""The standard keeps its storage classes here, the future ones too. These also live here and are no storage:"""
_NO_STORAGE = frozenset(
    _STORAGE + rest for rest in ("200.4", "200.5", "200.6", "201.1.1", "201.2", "201.3", "201.4", "201.5", "201.6")
)
_STORAGE_ELSEWHERE = frozenset(
    "1.2.840.10008.5.1." + rest
    for rest in (
        "1.27", "1.29", "1.30", "4.34.1", "4.34.7", "4.34.10", "4.38.1", "4.39.1", "4.43.1", "4.44.1", "4.45.1",
    )
)  # fmt: skip
_UID = re.compile(r"[0-9.]{1,64}")


def is_storage(uid: str) -> bool:
    """Whether the standard knows it as a storage SOP class, now or in an edition to come."""
    return (uid.startswith(_STORAGE) and uid not in _NO_STORAGE) or uid in _STORAGE_ELSEWHERE


def is_private(uid: str) -> bool:
    """Whether it is well-formed (PS3.5 section 9, leading zeros forgiven) and not from the standard."""
    return is_uid(uid) and not uid.startswith(_STANDARD)


def is_uid(uid: str) -> bool:
    """Digits and dots, at most 64."""
    return _UID.fullmatch(uid) is not None
