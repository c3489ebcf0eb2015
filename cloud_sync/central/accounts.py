"""Who may look at the centre's pages: accounts, sessions, and the audit of their deeds."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, select

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import schema
from cloud_sync.kit import chain
from cloud_sync.kit.secret import PASSWORD_LENGTH, hash_secret, token_hash

ROLES = ("qc-group", "admin")
_NAME = re.compile(r"[\w.-]{1,64}")
_ATTEMPTS = 5
_LOCK_MS = 5 * 60_000


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in."""

    id: int
    name: str
    role: str


def hash_password(password: str) -> str:
    """argon2id, salted; a tenth of a second on purpose, so never inside a transaction.

    Raises:
        Misuse: it is too short.
    """
    if len(password) < PASSWORD_LENGTH:
        raise Misuse(
            "account.password",
            Bilingual("密码不符合要求", "The password does not fit"),
            Bilingual(f"至少 {PASSWORD_LENGTH} 个字符", f"At least {PASSWORD_LENGTH} characters"),
        )
    return hash_secret(password)


def add(connection: Connection, name: str, role: str, secret_hash: str, now: int, by: str) -> None:
    """A new account. ``by`` is noted as who made it.

    Raises:
        Misuse: the name is taken or not a name, or the role is unknown.
    """
    if role not in ROLES or not _NAME.fullmatch(name):
        raise Misuse(
            "account.invalid",
            Bilingual("账户名或角色无效", "The account's name or role is not valid"),
            Bilingual(
                "账户名由字母、数字、点、短横或下划线组成；角色：" + ", ".join(ROLES),
                "A name has letters, digits, dots, dashes or underscores; roles: " + ", ".join(ROLES),
            ),
        )
    table = schema.account
    if connection.scalar(select(table.c.id).where(table.c.name == name)) is not None:
        raise Misuse(
            "account.taken",
            Bilingual("账户名已存在", "There is an account of this name already"),
            Bilingual("换一个名字", "Choose another name"),
        )
    connection.execute(table.insert().values(name=name, role=role, secret_hash=secret_hash, created_at=now))
    note(connection, now, by, "account.added", name)


def remove(connection: Connection, name: str, now: int, by: str) -> None:
    """Take an account away, with its sessions; what it did stays in the audit.

    Raises:
        Misuse: it is one's own: the last door shall not be locked from inside.
    """
    if name == by:
        raise Misuse(
            "account.own",
            Bilingual("不能删除自己的账户", "One's own account cannot be removed"),
            Bilingual("请另一位管理员操作", "Ask another administrator"),
        )
    table, session = schema.account, schema.session
    account_id = connection.scalar(select(table.c.id).where(table.c.name == name))
    if account_id is None:
        return
    connection.execute(session.delete().where(session.c.account_id == account_id))
    connection.execute(table.delete().where(table.c.id == account_id))
    note(connection, now, by, "account.removed", name)


def listed(connection: Connection) -> list[Account]:
    """All accounts by name."""
    table = schema.account
    rows = connection.execute(select(table.c.id, table.c.name, table.c.role).order_by(table.c.name))
    return [Account(row.id, row.name, row.role) for row in rows]


def attempt(connection: Connection, name: str, now: int) -> str | None:
    """Count a log-in before the password is looked at; its hash, or None for an unknown or locked name."""
    table = schema.account
    row = connection.execute(select(table).where(table.c.name == name)).first()
    if row is None or (row.locked_until or 0) > now:
        return None
    failed = row.failed_attempts + 1
    locked_until = now + _LOCK_MS if failed >= _ATTEMPTS else None
    change = {"failed_attempts": 0 if locked_until else failed, "locked_until": locked_until}
    connection.execute(table.update().where(table.c.id == row.id).values(change))
    return str(row.secret_hash)


def enter(connection: Connection, name: str, now: int, expires_at: int) -> str:
    """A new session for an account whose password was right; returns its token, which is stored only hashed."""
    token = secrets.token_urlsafe(32)
    table = schema.account
    account_id = connection.execute(select(table.c.id).where(table.c.name == name)).scalar_one()
    connection.execute(table.update().where(table.c.id == account_id).values(failed_attempts=0, locked_until=None))
    connection.execute(schema.session.delete().where(schema.session.c.expires_at <= now))
    connection.execute(
        schema.session.insert().values(token_hash=token_hash(token), account_id=account_id, expires_at=expires_at)
    )
    note(connection, now, name, "login")
    return token


def leave(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(schema.session.delete().where(schema.session.c.token_hash == token_hash(token)))


def holder(connection: Connection, token: str, now: int) -> Account | None:
    """Who holds this token, while it is valid."""
    table, session = schema.account, schema.session
    row = connection.execute(
        select(table.c.id, table.c.name, table.c.role)
        .join(session, session.c.account_id == table.c.id)
        .where(session.c.token_hash == token_hash(token), session.c.expires_at > now)
    ).first()
    return Account(row.id, row.name, row.role) if row else None


def note(connection: Connection, at: int, account: str, action: str, subject: str = "") -> None:
    """Append a deed to the audit's hash chain."""
    table = schema.audit
    head = connection.scalar(select(table.c.chain).order_by(table.c.id.desc()).limit(1)) or chain.START
    row: dict[str, str | int | None] = {"at": at, "account": account, "action": action, "subject": subject}
    connection.execute(table.insert().values(**row, chain=chain.link(head, row)))


def deeds(connection: Connection) -> list[tuple[chain.Fields, str]]:
    """All deeds in order, each with its link, for ``chain.check``."""
    rows = connection.execute(select(schema.audit).order_by(schema.audit.c.id))
    names = ("at", "account", "action", "subject")
    return [({name: getattr(row, name) for name in names}, row.chain) for row in rows]
