"""What the tests of the spool share."""

from __future__ import annotations

from dataclasses import replace

from capture.arrival import Arrival, arrival_id
from capture.digest import digest
from capture.spool import Spool


def receive(spool: Spool, content: bytes, received_at: int = 1_700_000_000_000) -> Arrival:
    """What a reader is to be given."""
    with spool.receive(kind="dicom", source="test", calling_ae="CT1", peer="10.0.0.1") as incoming:
        incoming.write(content)
        return replace(incoming.commit(received_at), digest=digest(content))


def files(spool: Spool) -> list[str]:
    """Bytes that are kept, and what was put aside. Files made ahead are empty."""
    spool.close()
    return sorted(p.name for folder in (spool.objects, spool.aside) for p in folder.iterdir())


def rot(spool: Spool, old: bytes, new: bytes) -> None:
    """Change bytes of the journal under a writer that is gone."""
    spool.close()
    for path in spool.journal.iterdir():
        path.write_bytes(path.read_bytes().replace(old, new, 1))


def arrival_of(content: bytes) -> Arrival:
    name = digest(content)
    return Arrival(arrival_id(1000, name), name, len(content), "dicom", "test", 1000)
