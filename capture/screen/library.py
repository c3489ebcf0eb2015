"""Library: the templates of a site in ``<data_dir>/screens``. A saved version never changes.

``templates/<id>/<version>.json`` with its frames in ``<version>/{a,b,c}.png`` (they show patients and are in no
export), and ``active.json``: what each source is compared with, newest use last.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from capture.errors import Misuse
from capture.screen.template import Template, load
from capture.text import Bilingual

_FRAMES = ("a.png", "b.png", "c.png")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_WRITING = threading.Lock()
"""The teaching page and what follows signed templates write in threads of one process."""


class _Use(BaseModel):
    """One template of one source: the version in use, and those before it, oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int
    before: tuple[int, ...] = ()


_ACTIVE = TypeAdapter(dict[str, tuple[_Use, ...]])


class Library:
    """Templates on disk. Written by one process at a time (the console), read by each screen's."""

    def __init__(self, folder: Path) -> None:
        """``folder``: ``<data_dir>/screens``; made, 0700, at the first write."""
        self._folder = folder

    def save(self, draft: Template, frames: Sequence[bytes]) -> Template:
        """The draft under the next version of its id, with up to three stored frames (PNG). Not active yet."""
        with _WRITING:
            template = draft.model_copy(update={"version": max(self.versions(draft.id), default=0) + 1})
            place = self._place(template.id)
            _write_all(place / str(template.version), dict(zip(_FRAMES, frames, strict=False)))
            # The JSON last: a version exists if and only if it does.
            _write(self._file(template.id, template.version), template.dump())
        return template

    def ids(self) -> tuple[str, ...]:
        """All templates, sorted."""
        return tuple(sorted(one.parent.name for one in self._folder.glob("templates/*/1.json")))

    def versions(self, id: str) -> tuple[int, ...]:
        """Oldest first; () of an unknown id."""
        return tuple(sorted(int(one.stem) for one in self._place(id).glob("*.json") if one.stem.isdigit()))

    def get(self, id: str, version: int) -> Template:
        """Raises Misuse ``template.unknown``, ``template.invalid``."""
        try:
            return load(self._file(id, version).read_bytes())
        except FileNotFoundError:
            raise _unknown(id, version) from None

    def frames(self, id: str, version: int) -> tuple[bytes, ...]:
        """The stored frames (PNG) of that version."""
        files = [self._place(id) / str(version) / name for name in _FRAMES]
        return tuple(one.read_bytes() for one in files if one.is_file())

    def active(self, source: str) -> tuple[Template, ...]:
        """The templates that the screen ``source`` is compared with.

        Raises:
            Misuse: ``template.unknown``, ``template.invalid``: the folder was changed by hand.
        """
        return tuple(self.get(one.id, one.version) for one in self._uses().get(source, ()))

    def activate(self, source: str, id: str, version: int) -> None:
        """Use that version for ``source``; another version of the same id is replaced. Raises Misuse."""
        self.get(id, version)
        old = self._use(source, id)
        before = () if old is None else (*(one for one in old.before if one != version), old.version)
        if old is None or old.version != version:
            self._put(source, id, _Use(id=id, version=version, before=before))

    def deactivate(self, source: str, id: str) -> None:
        """Use no version of ``id`` for ``source`` any more."""
        self._put(source, id, None)

    def roll_back(self, source: str, id: str) -> Template:
        """Go back to the version that was active before. Raises Misuse ``template.no_previous``."""
        use = self._use(source, id)
        if use is None or not use.before:
            raise Misuse(
                "template.no_previous",
                Bilingual(f"模板 {id} 没有更早的启用版本", f"No version of the template {id} was active before"),
                Bilingual("在示教页面选择一个版本启用", "Choose a version on the teaching page"),
            )
        *before, version = use.before
        template = self.get(id, version)
        self._put(source, id, _Use(id=id, version=version, before=tuple(before)))
        return template

    def export(self, id: str, version: int) -> bytes:
        """The template file, without frames: nothing in it identifies a patient."""
        return self.get(id, version).dump()

    def import_(self, content: bytes) -> Template:
        """Save an exported file as the next version of its id; equal content gives the version there is.

        Raises:
            Misuse: ``template.invalid``.
        """
        given = load(content)
        for version in reversed(self.versions(given.id)):
            if self.get(given.id, version).model_copy(update={"version": given.version}) == given:
                return self.get(given.id, version)
        return self.save(given, ())

    def _place(self, id: str) -> Path:
        if not _ID.fullmatch(id):
            raise _unknown(id[:63], 0)
        return self._folder / "templates" / id

    def _file(self, id: str, version: int) -> Path:
        return self._place(id) / f"{version}.json"

    def _uses(self) -> dict[str, tuple[_Use, ...]]:
        try:
            return _ACTIVE.validate_json((self._folder / "active.json").read_bytes())
        except FileNotFoundError:
            return {}
        except ValidationError:
            raise Misuse(
                "template.invalid",
                Bilingual("active.json 无效", "active.json is not valid"),
                Bilingual("删除该文件并重新启用模板", "Remove that file and activate the templates again"),
            ) from None

    def _use(self, source: str, id: str) -> _Use | None:
        return next((one for one in self._uses().get(source, ()) if one.id == id), None)

    def _put(self, source: str, id: str, use: _Use | None) -> None:
        with _WRITING:
            uses = self._uses()
            kept = [one for one in uses.get(source, ()) if one.id != id]
            uses[source] = (*kept, use) if use else tuple(kept)
            said = {
                name: [one.model_dump(mode="json") for one in listed] for name, listed in uses.items() if listed
            }
            _write(self._folder / "active.json", json.dumps(said, sort_keys=True, indent=1).encode())


def _write_all(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        _write(folder / name, content)


def _write(path: Path, content: bytes) -> None:
    """All or nothing, on the medium before it has its name; for the owner only."""
    _make(path.parent)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _make(folder: Path) -> None:
    """mkdir's own ``parents`` gives the mode to the last folder only."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _unknown(id: str, version: int) -> Misuse:
    return Misuse(
        "template.unknown",
        Bilingual(f"没有模板 {id} 的第 {version} 版", f"There is no version {version} of the template {id}"),
        Bilingual("在示教页面查看已有模板", "Look at the templates on the teaching page"),
    )
