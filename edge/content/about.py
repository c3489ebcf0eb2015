"""What a package says of itself, kept with its release so that pages need not open it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from capture.text import Bilingual
from cloud_sync.updates.terms import Target
from models.content.package import Package


class About(BaseModel):
    """For people: what it is, and from whom."""

    model_config = ConfigDict(frozen=True)

    kind: str
    area: str
    """Who answers for it: two people of this area signed it."""
    title: Bilingual
    note: Bilingual
    authors: tuple[str, ...]
    modality: tuple[str, ...] = ()
    release: int

    @classmethod
    def of(cls, package: Package, target: Target) -> About:
        """Of a verified package."""
        return cls.of_package(package, target.release)

    @classmethod
    def of_package(cls, package: Package, release: int) -> About:
        """``release``: the signed counter; 0 for what ships."""
        said = package.manifest
        return cls(
            kind=said.kind, area=said.area, title=said.title.bilingual, note=said.note.bilingual,
            authors=said.authors, modality=said.modality, release=release,
        )  # fmt: skip
