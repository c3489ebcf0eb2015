"""Everything that the pages of authoring work with; made once."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_sync.central.authoring.library import Library
from cloud_sync.central.authoring.release import Publisher
from cloud_sync.central.authoring.replaying import Replayer
from cloud_sync.central.authoring.withdrawing import Withdrawer
from cloud_sync.central.database import Database
from cloud_sync.central.signing.repository import Repository
from cloud_sync.central.signing.settings import PublishingSettings
from cloud_sync.kit import limited

_LOADED = ("cloud_sync.central.authoring.replaying", "cloud_sync.central.cli")
"""All that the limited processes need, and the program itself: multiprocessing imports that again in each."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The packs in force, who publishes, who takes back, who replays."""

    library: Library
    publisher: Publisher
    replayer: Replayer
    withdrawer: Withdrawer


def make(database: Database, settings: PublishingSettings) -> Workshop:
    """The workshop over a database and a repository's folder (which may still be empty)."""
    limited.prepare(_LOADED)
    repository = Repository(settings.repository)
    library = Library(repository)
    return Workshop(
        library, Publisher(database, library, repository, settings), Replayer(database, settings.repository),
        Withdrawer(database, repository, settings),
    )  # fmt: skip
