"""One-time tokens: made for one box at one site with one type plate, kept as a hash."""

from __future__ import annotations

import re
import secrets
from collections.abc import Set
from dataclasses import dataclass

from sqlalchemy import Connection, select

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import accounts
from cloud_sync.central.enrolment import tables
from cloud_sync.kit.secret import token_hash
from cloud_sync.wire.topics import valid_box

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Wish:
    """For whom a token is."""

    box: str
    site: str
    serial: str


def plate(serial: str) -> str:
    """A number on a type plate as it is compared: people copy it with other spaces and in other case."""
    return re.sub(r"\s+", "", serial).upper()


def make(connection: Connection, wish: Wish, reserved: Set[str], now: int, expires_at: int, by: str) -> str:
    """A new token for one box. An earlier one for the same box that nobody used is void from now on.

    For a box that is enrolled already it means a new beginning: with its use the old certificates are taken back.
    ``reserved``: names that are no box's.

    Raises:
        Misuse: the name is none, the site or number is empty, or the number belongs to another box.
    """
    serial = plate(wish.serial)
    if not valid_box(wish.box) or wish.box in reserved or not wish.site.strip() or not serial:
        raise Misuse(
            "enrol.wish",
            Bilingual("盒子名称、站点或序列号无效", "The box's name, its site or its serial number is not usable"),
            Bilingual(
                "名称由小写字母、数字和短横组成；站点和铭牌序列号不能为空",
                "A name has a-z, 0-9 and -; site and the number on the type plate must not be empty",
            ),
        )
    other = _holder(connection, serial, wish.box)
    if other is not None:
        raise Misuse(
            "enrol.serial_taken",
            Bilingual(f"该序列号属于盒子 {other}", f"This serial number belongs to box {other}"),
            Bilingual("给该盒子发新令牌，或先吊销它", "Make a token for that box, or revoke it first"),
        )
    table = tables.token
    unused = (table.c.box == wish.box) & table.c.used_at.is_(None) & (table.c.expires_at > now)
    connection.execute(table.update().where(unused).values(expires_at=now))
    token = secrets.token_urlsafe(_BYTES)
    connection.execute(
        table.insert().values(
            token_hash=token_hash(token), box=wish.box, site=wish.site.strip()[:128], serial=serial[:128],
            made_by=by, made_at=now, expires_at=expires_at,
        )
    )  # fmt: skip
    accounts.note(connection, now, by, "token.made", wish.box)
    return token


def _holder(connection: Connection, serial: str, box: str) -> str | None:
    """Another box in service with this number."""
    table = tables.enrolled
    same = (table.c.serial == serial) & (table.c.box != box) & table.c.revoked_at.is_(None)
    return connection.scalar(select(table.c.box).where(same))
