"""Accounts and sessions. Of secrets and tokens only hashes are stored (``cloud_sync.kit.secret``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.secret import PASSWORD_LENGTH, token_hash
from edge.store.schema import account, session

Role = Literal["technologist", "qc-lead", "engineer"]
ROLES: tuple[Role, ...] = get_args(Role)
PIN_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in. ``disabled_at`` set: no longer."""

    id: int
    name: str
    display_name: str
    role: Role
    language: str
    locked_until: int | None
    disabled_at: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in attempt that was counted. ``secret_hash`` None: nobody may enter with this name now."""

    account: Account | None
    secret_hash: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that is still valid."""

    account: Account
    last_seen: int


def check_secret(role: Role, secret: str) -> None:
    """A technologist has a PIN for a touch screen, everybody else a password.

    Raises:
        Misuse: it is too short, or a PIN has other characters than digits, or only one digit.
    """
    if role == "technologist":
        if not (secret.isascii() and secret.isdigit() and len(secret) >= PIN_DIGITS and len(set(secret)) > 1):
            raise Misuse(
                "account.pin",
                Bilingual("PIN 不符合要求", "The PIN does not fit"),
                Bilingual(
                    f"至少 {PIN_DIGITS} 位数字，不能全部相同", f"At least {PIN_DIGITS} digits, not all the same"
                ),
            )
    elif len(secret) < PASSWORD_LENGTH:
        raise Misuse(
            "account.password",
            Bilingual("密码不符合要求", "The password does not fit"),
            Bilingual(f"至少 {PASSWORD_LENGTH} 个字符", f"At least {PASSWORD_LENGTH} characters"),
        )


def add(
    connection: Connection, *, name: str, display_name: str, role: str, secret_hash: str, language: str, now: int
) -> Account:
    """A new account.

    Raises:
        Misuse: the name is taken or empty, or the role is unknown.
    """
    if role not in ROLES or not name.strip() or name != name.strip() or len(name) > 64:
        raise Misuse(
            "account.invalid",
            Bilingual("账户名或角色无效", "The account's name or role is not valid"),
            Bilingual("角色：" + "、".join(ROLES), "Roles: " + ", ".join(ROLES)),
        )
    values = {"name": name, "display_name": display_name or name, "role": role, "secret_hash": secret_hash}
    try:
        connection.execute(insert(account).values(**values, language=language, created_at=now))
    except IntegrityError as error:
        raise Misuse(
            "account.taken",
            Bilingual("账户名已存在", "There is an account of this name already"),
            Bilingual("换一个名字，或重置现有账户", "Choose another name, or reset the one there is"),
        ) from error
    return named(connection, name)


def named(connection: Connection, name: str) -> Account:
    """One account.

    Raises:
        Misuse: there is none of this name.
    """
    row = connection.execute(select(account).where(account.c.name == name)).one_or_none()
    if row is None:
        raise Misuse(
            "account.unknown",
            Bilingual("没有这个账户", "There is no such account"),
            Bilingual("qcbox account list 列出全部账户", "qcbox account list shows all accounts"),
        )
    return _account(row)


def listed(connection: Connection) -> tuple[Account, ...]:
    """All accounts by name, disabled ones too."""
    return tuple(_account(row) for row in connection.execute(select(account).order_by(account.c.name)))


def attempt(connection: Connection, name: str, limit: int, lock_ms: int, now: int) -> Attempt:
    """Count a log-in attempt before its secret is looked at, so that many at once cannot outrun the lock."""
    row = connection.execute(select(account).where(account.c.name == name)).one_or_none()
    if row is None:
        return Attempt(None, None)
    # A lock that would last longer than locks do was set before the clock was put back.
    locked = now < (row.locked_until or 0) <= now + lock_ms
    if row.disabled_at is not None or locked:
        return Attempt(_account(row), None)
    failed = row.failed_attempts + 1
    full = failed >= limit
    connection.execute(
        update(account)
        .where(account.c.id == row.id)
        .values(failed_attempts=0 if full else failed, locked_until=now + lock_ms if full else None)
    )
    return Attempt(_account(row), row.secret_hash)


def forgive(connection: Connection, account_id: int) -> None:
    """The secret was right: earlier failures no longer count."""
    connection.execute(
        update(account).where(account.c.id == account_id).values(failed_attempts=0, locked_until=None)
    )


def reset(connection: Connection, name: str, secret_hash: str) -> Account:
    """A new secret; unlocks, enables, and ends every session of the account."""
    found = named(connection, name)
    connection.execute(
        update(account)
        .where(account.c.id == found.id)
        .values(secret_hash=secret_hash, failed_attempts=0, locked_until=None, disabled_at=None)
    )
    connection.execute(delete(session).where(session.c.account_id == found.id))
    return named(connection, name)


def disable(connection: Connection, name: str, now: int) -> Account:
    """Nobody enters with this account any more; its sessions end now. Rows it signed keep its name."""
    found = named(connection, name)
    connection.execute(update(account).where(account.c.id == found.id).values(disabled_at=now))
    connection.execute(delete(session).where(session.c.account_id == found.id))
    return named(connection, name)


def speak(connection: Connection, account_id: int, language: str) -> None:
    """Remember the language of an account."""
    connection.execute(update(account).where(account.c.id == account_id).values(language=language))


def open_session(
    connection: Connection, account_id: int, token: str, address: str, now: int, expires_at: int
) -> None:
    """A log-in succeeded. Expired sessions of everybody are swept at the same time."""
    connection.execute(delete(session).where(session.c.expires_at <= now))
    values = {"token_hash": token_hash(token), "account_id": account_id, "address": address}
    connection.execute(insert(session).values(**values, created_at=now, last_seen=now, expires_at=expires_at))


def find_session(connection: Connection, token: str, now: int) -> Session | None:
    """Whose token this is, if the session is valid and the account enabled."""
    query = (
        select(account, session.c.last_seen)
        .join(session, session.c.account_id == account.c.id)
        .where(
            session.c.token_hash == token_hash(token), session.c.expires_at > now, account.c.disabled_at.is_(None)
        )
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Session(_account(row), row.last_seen)


def touch_session(connection: Connection, token: str, now: int) -> None:
    """A person did something."""
    connection.execute(update(session).where(session.c.token_hash == token_hash(token)).values(last_seen=now))


def close_session(connection: Connection, token: str) -> None:
    """Log out."""
    connection.execute(delete(session).where(session.c.token_hash == token_hash(token)))


def _account(row: Row[tuple[object, ...]]) -> Account:
    return Account(
        row.id, row.name, row.display_name, cast(Role, row.role), row.language, row.locked_until, row.disabled_at
    )
