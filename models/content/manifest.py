"""``manifest.json``: what a package is, and the hash of every file in it."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from capture.text import Bilingual

NAME = "manifest.json"
Kind = Literal["pack", "bundle", "protocol", "template", "drl"]
"""A rule pack, a network, a protocol (a pack that was learnt), a screen template, a table of dose reference levels
(a pack that only sets limits). The words of ``cloud_sync.updates.terms``."""
Area = Literal["general", "radiography", "ct", "mr", "screen"]
"""Who answers for it."""
PACKS: frozenset[Kind] = frozenset(("pack", "protocol", "drl"))
"""The kinds that are rule packs."""

ContentName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Sentence = Annotated[str, Field(min_length=1, max_length=2000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AgentVersion = Annotated[str, Field(pattern=r"^(\d{1,5}(\.\d{1,5}){0,2})?$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Text(_Part):
    """A text in both languages."""

    zh: Sentence
    en: Sentence

    @property
    def bilingual(self) -> Bilingual:
        return Bilingual(self.zh, self.en)


class FileEntry(_Part):
    """One file of the package."""

    sha256: Sha256
    length: Annotated[int, Field(ge=0, strict=True)]


class Manifest(_Part):
    """The whole file; :func:`models.content.kinds.manifest_of` makes it from the other files."""

    format: Literal[1] = 1
    name: ContentName
    version: Annotated[int, Field(ge=1, le=999_999_999, strict=True)]
    """A bundle's ``1.2.3`` is 1002003."""
    kind: Kind
    area: Area
    title: Text
    note: Text
    authors: Annotated[tuple[Sentence, ...], Field(min_length=1)]
    min_agent: AgentVersion = ""
    """Oldest program version that understands it; empty: any."""
    modality: tuple[Annotated[str, Field(max_length=16)], ...] = ()
    """DICOM Modality of the images it speaks of; empty: any."""
    selftest: Annotated[int, Field(ge=0, strict=True)]
    """Cases of a pack or goldens of a network that must hold on every box before it judges."""
    files: dict[str, FileEntry]
    """By path; the manifest itself is not among them."""

    @property
    def path(self) -> str:
        """Where the repository keeps it: ``kb/<area>/<name>/<version>.zip``."""
        return f"kb/{self.area}/{self.name}/{self.version}.zip"

    def dump(self) -> bytes:
        """The one form in which it is written."""
        tree = self.model_dump(mode="json")
        return (json.dumps(tree, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()
