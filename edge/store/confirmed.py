"""Fields of a screen that a person confirmed: their word replaces what was read, and the image is judged again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from capture.errors import Misuse
from capture.text import Bilingual
from edge.pipeline import states
from edge.store import audit
from edge.store.schema import case
from edge.store.schema import confirmed_field as table


def confirm(connection: Connection, case_id: str, account_id: int, texts: Mapping[str, str], now: int) -> None:
    """Keep a person's word on these fields (by keyword), and have the image judged again.

    The audit log has who and which fields; never what they say.

    Raises:
        Misuse: ``screen.busy``: there is no verdict yet, or it is being judged at this moment.
    """
    if not states.reopen(connection, case_id, now, None):
        raise Misuse(
            "screen.busy",
            Bilingual("这幅图像正在判定", "This image is being judged right now"),
            Bilingual("稍候刷新页面再试", "Wait a moment, reload the page and try again"),
        )
    rows = [
        {"case_id": case_id, "keyword": keyword, "text": text, "account_id": account_id, "at": now}
        for keyword, text in texts.items()
    ]
    written = insert(table)
    latest = {name: written.excluded[name] for name in ("text", "account_id", "at")}
    connection.execute(written.on_conflict_do_update(index_elements=["case_id", "keyword"], set_=latest), rows)
    audit.add(connection, now, account_id, "screen.confirmed", case_id, ", ".join(sorted(texts)))


@dataclass(frozen=True, slots=True, repr=False)
class Word:
    """What a person said of one field of one image."""

    case_id: str
    sha256: str
    """Of the shot."""
    keyword: str
    text: str


def of_screen(connection: Connection, source: str, most: int) -> tuple[Word, ...]:
    """The latest words on what a screen showed."""
    query = (
        select(table.c.case_id, case.c.sha256, table.c.keyword, table.c.text)
        .join(case, case.c.id == table.c.case_id)
        .where(case.c.source == source, case.c.kind == "frame")
        .order_by(table.c.at.desc())
        .limit(most)
    )
    return tuple(Word(*row) for row in connection.execute(query))


def confirmed(connection: Connection, case_id: str) -> dict[str, str]:
    """What people said of the fields of a case, by keyword."""
    rows = connection.execute(select(table.c.keyword, table.c.text).where(table.c.case_id == case_id))
    return {row.keyword: row.text for row in rows}
