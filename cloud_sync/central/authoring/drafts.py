"""Drafts as rows: begun, edited, undone, submitted, sent back, withdrawn, published. Each deed is in the audit."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, Row, func, select

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import accounts
from cloud_sync.central.authoring import tables
from cloud_sync.central.authoring.terms import By, Deed, Draft, Edit, State
from cloud_sync.central.authoring.texts import LARGEST, PackText
from cloud_sync.updates.terms import Kind

_draft, _edit, _deed = tables.draft, tables.edit, tables.deed
_LONGEST_WHY = 2000


def begin(connection: Connection, text: PackText, kind: Kind, base: tuple[str, int], by: By, what: str) -> int:
    """A new draft; its number. ``base``: hash and version of the release it began from; ``what`` as in ``save``.

    Raises:
        Misuse: there is an open draft of this pack.
    """
    name = text.name
    query = select(_draft.c.id).where(_draft.c.pack == name, _draft.c.state.in_(("editing", "submitted")))
    if connection.scalar(query) is not None:
        raise _refused(
            "draft.open", f"规则包 {name} 已有进行中的草稿", f"There is an open draft of {name}",
            "继续编辑该草稿，或先撤回", "Go on with it, or withdraw it first",
        )  # fmt: skip
    number = connection.execute(
        _draft.insert().values(
            pack=name, kind=kind, author=by.account, created_at=by.now, state="editing", edit=1, base=base[0],
            base_version=base[1],
        ).returning(_draft.c.id)
    ).scalar_one()  # fmt: skip
    _write(connection, number, 1, text, what, by)
    action, _, why = what.partition(" ")
    _done(connection, read(connection, number), action, by, why)
    return int(number)


def read(connection: Connection, number: int) -> Draft:
    """One draft. Raises Misuse: there is none of this number."""
    found = _rows(connection, _draft.c.id == number)
    if not found:
        raise _refused(
            "draft.unknown", "没有这个草稿", "There is no such draft", "见规则列表", "See the list of rules"
        )
    return found[0]


def open_drafts(connection: Connection) -> list[Draft]:
    """Those that are edited or wait for approval."""
    return _rows(connection, _draft.c.state.in_(("editing", "submitted")))


def text_at(connection: Connection, number: int, edit: int) -> PackText:
    """The text of a draft after one of its edits. Raises sqlalchemy.exc.NoResultFound."""
    row = connection.execute(select(_edit).where(_edit.c.draft == number, _edit.c.number == edit)).one()
    return PackText(row.pack_toml, row.rules_toml, row.cases_toml)


def edits(connection: Connection, number: int) -> list[Edit]:
    """The steps of a draft, newest first."""
    query = select(_edit).where(_edit.c.draft == number).order_by(_edit.c.number.desc())
    return [Edit(row.number, row.at, row.account, *row.what.split(" ", 1)) for row in connection.execute(query)]


def history(connection: Connection, pack: str, draft: int | None = None) -> list[Deed]:
    """What was done with a pack's drafts, newest first."""
    query = select(_deed).where(_deed.c.pack == pack).order_by(_deed.c.id.desc())
    if draft is not None:
        query = query.where(_deed.c.draft == draft)
    return [
        Deed(row.draft, row.at, row.account, row.action, row.version, row.why) for row in connection.execute(query)
    ]


def save(connection: Connection, number: int, seen: int, text: PackText, what: str, by: By) -> Draft:
    """One edit: the only way a draft's text changes. Edits that were undone are gone then.

    Args:
        connection: in a writing transaction.
        number: of the draft.
        seen: the edit that the author had before their eyes.
        text: the whole text now.
        what: the edit: a word of a closed set, and of what (``rule PA03.rotation``).
        by: who and when.

    Raises:
        Misuse: somebody else edited it meanwhile, it is not open for edits, it would be another pack, or it is
            too large.
    """
    before = _editable(connection, number, seen)
    if text == before.text:
        return before
    if any(len(content.encode()) > LARGEST for content in text.files.values()):
        raise _refused(
            "draft.large", "文本过长", "The text is too long", "每个文件不超过 1 MB", "1 MB a file at most"
        )
    if text.name not in ("", before.pack):
        raise _refused(
            "draft.renamed", "草稿不能改成另一个规则包", "A draft stays with its pack",
            f"name 须为 {before.pack}", f"name must be {before.pack}",
        )  # fmt: skip
    connection.execute(_edit.delete().where(_edit.c.draft == number, _edit.c.number > seen))
    _write(connection, number, seen + 1, text, what, by)
    _change(connection, number, edit=seen + 1)
    after = read(connection, number)
    _note(connection, after, "draft.edited", what, by)
    return after


def step(connection: Connection, number: int, seen: int, to: int, by: By) -> Draft:
    """Undo or redo: stand at another edit. Raises Misuse as ``save``, or there is no such edit."""
    before = _editable(connection, number, seen)
    if not 1 <= to <= before.newest:
        raise _refused(
            "draft.step", "没有可撤销的修改", "There is no such edit", "刷新页面", "Load the page again"
        )
    _change(connection, number, edit=to)
    after = read(connection, number)
    _note(connection, after, "draft.stepped", f"to edit {to}", by)
    return after


def submit(connection: Connection, number: int, seen: int, sha256: str, proposal: str, note: str, by: By) -> Draft:
    """Ask for approval of exactly this content. Raises Misuse as ``save``, or no word was said why."""
    _editable(connection, number, seen)
    _change(
        connection, number, state="submitted", sha256=sha256, proposal=proposal, note=said(note),
        submitted_by=by.account, submitted_at=by.now,
    )  # fmt: skip
    after = read(connection, number)
    _done(connection, after, "submitted", by, note)
    return after


def send_back(
    connection: Connection, number: int, action: Literal["rejected", "taken_back"], why: str, by: By
) -> Draft:
    """A submitted draft is open for edits again. Raises Misuse: it was not submitted, or no word was said why."""
    before = expect(connection, number, "submitted")
    _done(connection, before, action, by, said(why))
    _change(connection, number, state="editing", sha256="", proposal="", submitted_by="", submitted_at=None)
    return read(connection, number)


def withdraw(connection: Connection, number: int, why: str, by: By) -> Draft:
    """Nobody goes on with it. Raises Misuse: it is not open for edits, or no word was said why."""
    before = expect(connection, number, "editing")
    _done(connection, before, "withdrawn", by, said(why))
    _change(connection, number, state="withdrawn")
    return read(connection, number)


def published(connection: Connection, number: int, why: str, by: By) -> Draft:
    """It is in the repository. Raises Misuse: it was not submitted."""
    before = expect(connection, number, "submitted")
    _done(connection, before, "approved", by, why)
    _change(connection, number, state="published")
    return read(connection, number)


def expect(connection: Connection, number: int, state: State) -> Draft:
    """The draft, if it is in this state. Raises Misuse."""
    found = read(connection, number)
    if found.state != state:
        raise _refused(
            "draft.state", "草稿的当前状态不允许此操作", "The draft's present state does not allow this",
            "刷新页面查看当前状态", "Load the page again to see it",
        )  # fmt: skip
    return found


def said(why: str) -> str:
    """A person's words why. Raises Misuse: there are none."""
    if not why.strip():
        raise _refused(
            "draft.why",
            "缺少说明",
            "A word why is missing",
            "写一句说明，它会记入历史",
            "Write a line; it stays in the history",
        )
    return why.strip()[:_LONGEST_WHY]


def _editable(connection: Connection, number: int, seen: int) -> Draft:
    found = expect(connection, number, "editing")
    if found.edit != seen:
        raise _refused(
            "draft.moved", "这个草稿刚被修改过", "This draft was edited meanwhile",
            "重新打开页面，在新的内容上修改", "Load the page again and edit what is there now",
        )  # fmt: skip
    return found


def _write(connection: Connection, draft: int, number: int, text: PackText, what: str, by: By) -> None:
    connection.execute(
        _edit.insert().values(
            draft=draft, number=number, at=by.now, account=by.account, what=what[:200], pack_toml=text.pack,
            rules_toml=text.rules, cases_toml=text.cases,
        )
    )  # fmt: skip


def _change(connection: Connection, number: int, **values: object) -> None:
    connection.execute(_draft.update().where(_draft.c.id == number).values(values))


def _done(connection: Connection, draft: Draft, action: str, by: By, why: str) -> None:
    version = draft.text.version
    connection.execute(
        _deed.insert().values(
            pack=draft.pack, draft=draft.id, at=by.now, account=by.account, action=action, version=version,
            why=why[:_LONGEST_WHY],
        )
    )  # fmt: skip
    _note(connection, draft, f"draft.{action}", f"{draft.sha256} {why[:200]}".strip(), by)


def _note(connection: Connection, draft: Draft, action: str, detail: str, by: By) -> None:
    subject = f"{draft.pack} {draft.text.version} #{draft.id}: {detail}"
    accounts.note(connection, by.now, by.account, action, subject)


def _rows(connection: Connection, condition: object) -> list[Draft]:
    every = _edit.alias()
    newest = select(func.max(every.c.number)).where(every.c.draft == _draft.c.id).scalar_subquery()
    query = (
        select(_draft, newest.label("newest"), _edit.c.pack_toml, _edit.c.rules_toml, _edit.c.cases_toml)
        .join(_edit, (_edit.c.draft == _draft.c.id) & (_edit.c.number == _draft.c.edit))
        .where(condition)  # type: ignore[arg-type]  # a condition of SQL
        .order_by(_draft.c.id)
    )
    return [_read(connection, row) for row in connection.execute(query).all()]


def _read(connection: Connection, row: Row[tuple[object, ...]]) -> Draft:
    writers = select(_edit.c.account).where(_edit.c.draft == row.id, _edit.c.number <= row.edit)
    return Draft(
        id=row.id, pack=row.pack, kind=row.kind, author=row.author, created_at=row.created_at, state=row.state,
        edit=row.edit, newest=row.newest, base=row.base, base_version=row.base_version, note=row.note,
        submitted_by=row.submitted_by, submitted_at=row.submitted_at, sha256=row.sha256, proposal=row.proposal,
        text=PackText(row.pack_toml, row.rules_toml, row.cases_toml),
        edited_by=frozenset(connection.scalars(writers)),
    )  # fmt: skip


def _refused(code: str, zh: str, en: str, hint_zh: str, hint_en: str) -> Misuse:
    return Misuse(code, Bilingual(zh, en), Bilingual(hint_zh, hint_en))
