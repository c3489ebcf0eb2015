"""The site's secret that pseudonyms are keyed with: without it nobody can tell who they are."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEY_FILE = "pseudonym.key"


def pseudonym_key(data_dir: Path, configured: str | None) -> bytes:
    """The configured secret, else the one in ``data_dir``; made there (mode 0600) at first start.

    It is part of every backup: a new key would make every patient a stranger at the centre.
    """
    if configured is not None:
        return configured.encode()
    path = data_dir / KEY_FILE
    if not path.exists():
        made = path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(32))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        made.replace(path)
    return path.read_bytes()
