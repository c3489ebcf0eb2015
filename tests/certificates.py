"""A hospital's certificates for tests: an authority, another one, and what both signed, as PEM files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in a folder: ``ca.pem``, ``other.pem`` (another authority), and NAME.pem with NAME.key."""

    folder: Path

    def path(self, name: str) -> Path:
        """One file."""
        return self.folder / name

    def of(self, own: str | None = "box", ca: str = "ca", **more: str) -> dict[str, Any]:
        """Settings of who calls with the certificate ``own`` and believes ``ca``."""
        settings = {"ca": self.path(f"{ca}.pem"), **more}
        if own is not None:
            settings |= {"certificate": self.path(f"{own}.pem"), "key": self.path(f"{own}.key")}
        return settings

    def server(self, name: str = "peer") -> ssl.SSLContext:
        """Of a peer that shows NAME's certificate and wants one of the authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        context.load_verify_locations(self.path("ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def make(folder: Path) -> Certificates:
    """``peer`` and ``box`` as they should be, ``stranger`` of the other authority, ``renamed``, ``expired``."""
    ca, other = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    other.cert_pem.write_to_path(folder / "other.pem")
    past = datetime.now(UTC) - timedelta(days=1)
    issued = {
        "peer": ca.issue_cert("127.0.0.1", "pacs.hospital"),
        "box": ca.issue_cert("qcbox.hospital"),
        "stranger": other.issue_cert("127.0.0.1"),
        "renamed": ca.issue_cert("pacs.hospital"),
        "expired": ca.issue_cert("127.0.0.1", not_after=past),
    }
    for name, one in issued.items():
        one.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        one.private_key_pem.write_to_path(folder / f"{name}.key")
    return Certificates(folder)
