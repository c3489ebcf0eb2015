"""Library: the templates of a site in ``<data_dir>/screens``. A saved version never changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from capture.screen.template import Template


class Library:
    """Templates on disk. Used by the console (writes) and by each screen's process (reads)."""

    def __init__(self, folder: Path) -> None:
        """``folder``: ``<data_dir>/screens``; made, 0700, when missing."""
        self._folder = folder

    def save(self, draft: Template, frames: Sequence[bytes]) -> Template:
        """The draft under the next version of its id, with up to three stored frames (PNG). Not active yet."""
        raise NotImplementedError

    def ids(self) -> tuple[str, ...]:
        """All templates, sorted."""
        raise NotImplementedError

    def versions(self, id: str) -> tuple[int, ...]:
        """Oldest first; () of an unknown id."""
        raise NotImplementedError

    def get(self, id: str, version: int) -> Template:
        """Raises Misuse ``template.unknown``, ``template.invalid``."""
        raise NotImplementedError

    def frames(self, id: str, version: int) -> tuple[bytes, ...]:
        """The stored frames (PNG) of that version."""
        raise NotImplementedError

    def active(self, source: str) -> tuple[Template, ...]:
        """The templates that the screen ``source`` is compared with."""
        raise NotImplementedError

    def activate(self, source: str, id: str, version: int) -> None:
        """Use that version for ``source``; another version of the same id is replaced."""
        raise NotImplementedError

    def deactivate(self, source: str, id: str) -> None:
        """Use no version of ``id`` for ``source`` any more."""
        raise NotImplementedError

    def roll_back(self, source: str, id: str) -> Template:
        """Go back to the version that was active before. Raises Misuse ``template.no_previous``."""
        raise NotImplementedError

    def export(self, id: str, version: int) -> bytes:
        """The template file, without frames: nothing in it identifies a patient."""
        raise NotImplementedError

    def import_(self, content: bytes) -> Template:
        """Save an exported file as the next version of its id; equal content gives the version there is."""
        raise NotImplementedError
