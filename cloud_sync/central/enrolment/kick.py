"""End the live session of a box that was taken out.

Mosquitto reads a new revocation list when told to, and never looks again at who is connected (measured:
fleet-sync.md, section 10). One name has one session: who connects under it takes it over, and the broker closes
the other connection (0x8E). So the centre, whose authority the broker believes, makes itself a certificate of
that name for a few minutes, connects, and leaves. The will it leaves with says to all that the box is gone.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from cloud_sync.central.enrolment import ca
from cloud_sync.central.enrolment.vault import PRIVATE, Vault, key_pem
from cloud_sync.link.broker import Broker
from cloud_sync.link.settings import BrokerSettings
from cloud_sync.link.terms import Session, Will
from cloud_sync.updates.disk import write_whole
from cloud_sync.wire import topics
from cloud_sync.wire.codec import encode
from cloud_sync.wire.control import Death

_LIFE = timedelta(minutes=5)


def kick(broker: BrokerSettings, vault: Vault, box: str, boot: str, now: int) -> None:
    """Take the session of ``box`` over and drop it. ``boot``: its last known one.

    Raises:
        Lost: the broker does not let us; the session may still live.
    """
    will = Will(topics.up(box, "state"), encode(Death(boot=boot)), delay_s=0)
    session = Session(box, clean=True, expiry_s=0, receive_maximum=1, will=will)
    with tempfile.TemporaryDirectory(prefix="qcbox-") as folder:
        if broker.cert_file is not None:
            broker = broker.model_copy(update=_papers(Path(folder), vault, box, now))
        connection = Broker(broker, session)
        try:
            connection.connect([topics.all_down(box)])
        finally:
            connection.close(polite=False)


def _papers(folder: Path, vault: Vault, box: str, now: int) -> dict[str, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = ca.issue_box(vault.current, box, key.public_key(), now, _LIFE)
    papers = {"cert_file": folder / "box.pem", "key_file": folder / "box.key"}
    write_whole(papers["cert_file"], ca.pem(certificate).encode())
    write_whole(papers["key_file"], key_pem(key, None), PRIVATE)
    return papers
