"""The settings that an enrolled box has without anybody writing them down."""

from __future__ import annotations

import os
from pathlib import Path

from cloud_sync.wire.codec import WireError, decode
from cloud_sync.wire.enrolment import REPOSITORY, Grant
from edge.enrol.names import AUTHORITIES, CERTIFICATE, CURRENT, GRANT, KEY, unreadable


def enrolled(folder: Path) -> dict[str, object]:
    """Box, link and repository as the centre said, or nothing. Who may not enter the folder does without them.

    Raises:
        Misuse: they are there and cannot be read. An agent must not go on under another name: what it had judged
            meanwhile would be refused at the centre.
    """
    papers = folder / CURRENT
    try:
        grant = decode((papers / GRANT).read_bytes(), Grant)
    except FileNotFoundError:
        return {}
    except (OSError, WireError):
        if not os.access(folder, os.R_OK | os.X_OK):
            return {}
        raise unreadable(papers) from None
    link = {
        "enabled": True, "host": grant.broker_host, "port": grant.broker_port, "ca_file": papers / AUTHORITIES,
        "cert_file": papers / CERTIFICATE, "key_file": papers / KEY,
    }  # fmt: skip
    return {"box": grant.box, "link": link, "content": {"repository": grant.enrolment + REPOSITORY}}
