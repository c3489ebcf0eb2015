"""The online key: it says that the list in force is the newest, again every day. It can approve nothing."""

from __future__ import annotations

import threading

import structlog

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.signing import keys
from cloud_sync.central.signing.keys import Signer
from cloud_sync.central.signing.repository import Repository
from cloud_sync.central.signing.settings import PublishingSettings

LOOK_S = 600.0

log = structlog.get_logger()


def open_online(settings: PublishingSettings) -> Signer:
    """The online key, opened by the passphrase in its file. Opened for each use, so no memory holds it for days.

    Raises:
        Misuse: ``keys.online_closed``; as :func:`keys.load`.
    """
    path = settings.online_passphrase
    try:
        passphrase = path.read_text("utf-8").rstrip("\r\n") if path else ""
    except (OSError, UnicodeDecodeError):
        passphrase = ""
    if not passphrase:
        raise Misuse(
            "keys.online_closed",
            Bilingual(
                "没有在线密钥的口令，无法发布", "Without the online key's passphrase nothing can be published"
            ),
            Bilingual(
                "在 publishing.online_passphrase 写明口令文件（systemd 凭据），并检查其权限",
                "Name its file (a systemd credential) in publishing.online_passphrase; look at its permissions",
            ),
        )
    return keys.load(keys.path_of(settings.keys, settings.online_key), passphrase)


def keep_fresh(settings: PublishingSettings, stop: threading.Event, look_s: float = LOOK_S) -> None:
    """Until ``stop``: sign the timestamp anew when it is due. A failure is logged once and tried again."""
    repository, said = Repository(settings.repository), ""
    while True:
        said = _look(repository, settings, said)
        if stop.wait(look_s):
            return


def _look(repository: Repository, settings: PublishingSettings, said: str) -> str:
    """One look; the code of what is wrong, "" when nothing is."""
    every_ms = int(settings.refresh_hours * 3_600_000)
    try:
        if repository.due(every_ms) and repository.refresh(open_online(settings), every_ms):
            log.info("repository.signed")
        return ""
    except Misuse as error:
        code = error.code
    except OSError:
        code = "repository.unwritable"
    if code != said:
        log.error("repository.not_signed", code=code)
    return code


def start(settings: PublishingSettings, stop: threading.Event) -> threading.Thread:
    """``keep_fresh`` in a thread of its own: opening a key takes half a second."""
    thread = threading.Thread(target=keep_fresh, args=(settings, stop), name="signing", daemon=True)
    thread.start()
    return thread
