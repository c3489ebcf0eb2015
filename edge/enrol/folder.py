"""What the centre gave this box, on disk: whole generations, and a name for the one in use.

``enrolment/`` in the data folder::

    keys/<name>.pem   private keys, mode 0600
    g-<n>/            key.pem -> ../keys/<name>.pem, certificate.pem, authorities.pem, root.json, grant.json
    current -> g-<n>  in use
    next -> g-<n>     given, and not yet tried at the broker
    unconfirmed       the centre does not know yet that ``current`` is in use

A key is on disk before anybody is asked to sign it, under a name that says what it is for: whatever is
interrupted is asked for again with the same key, and the centre answers the same. Keys are files for now; a TPM
or a PKCS#11 token would take the place of ``keys/``.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from capture.errors import Retry
from capture.text import Bilingual
from cloud_sync.updates.disk import sync_folder, write_whole
from cloud_sync.wire.codec import WireError, decode, encode
from cloud_sync.wire.enrolment import Grant
from edge.enrol.names import AUTHORITIES, CERTIFICATE, CURRENT, GRANT, KEY, NEXT, ROOT, unreadable


@dataclass(frozen=True, slots=True)
class Papers:
    """One generation."""

    path: Path
    grant: Grant

    def file(self, name: str) -> Path:
        """One of its files."""
        return self.path / name


class Folder:
    """The folder ``enrolment``. One process at a time changes it: the command or the agent."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def papers(self, name: str) -> Papers | None:
        """Those under ``current`` or ``next``, or None where there are none.

        Raises:
            Misuse: they are there and cannot be read.
        """
        link = self.path / name
        try:
            return Papers(link, decode((link / GRANT).read_bytes(), Grant))
        except FileNotFoundError:
            return None
        except (OSError, WireError):
            raise unreadable(link) from None

    def key(self, purpose: str) -> ec.EllipticCurvePrivateKey:
        """The key for one purpose, made at the first time. Raises Misuse."""
        path = self._key_path(purpose)
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        return read_key(path)

    def keep(self, purpose: str, grant: Grant, name: str) -> None:
        """A new generation with the key made for ``purpose``, under ``current`` or ``next``. All of it or
        nothing."""
        number = 1 + max((int(path.name[2:]) for path in self.path.glob("g-*")), default=0)
        made = self.path / f".g-{number}.{secrets.token_hex(4)}"
        made.mkdir(mode=0o700)
        (made / KEY).symlink_to(Path("..") / self._key_path(purpose).relative_to(self.path))
        write_whole(made / CERTIFICATE, grant.certificate.encode())
        write_whole(made / AUTHORITIES, grant.authorities.encode())
        if grant.root:
            write_whole(made / ROOT, grant.root.encode())
        write_whole(made / GRANT, encode(grant))
        made.rename(self.path / f"g-{number}")
        self._point(name, f"g-{number}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """The right to change it.

        Raises:
            Retry: another process has it just now.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.path / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Retry(
                    "enrol.busy",
                    Bilingual("另一个程序正在续期或注册", "Another program is enrolling or renewing"),
                    Bilingual("稍后再试", "Try again in a moment"),
                ) from None
            yield

    @property
    def unconfirmed(self) -> Path:
        """There while the centre has to be told that ``current`` is in use."""
        return self.path / "unconfirmed"

    def promote(self) -> None:
        """What is ``next`` is in use from now on."""
        self.unconfirmed.touch()
        self._point(CURRENT, str((self.path / NEXT).readlink()))
        (self.path / NEXT).unlink()
        sync_folder(self.path)

    def sweep(self) -> None:
        """Remove generations and keys that no name leads to. Call it only while nothing is being asked for."""
        used = {(self.path / name).readlink().name for name in (CURRENT, NEXT) if (self.path / name).is_symlink()}
        for path in (*self.path.glob("g-*"), *self.path.glob(".g-*")):
            if path.name not in used:
                shutil.rmtree(path)
        keys = {(self.path / name / KEY).resolve() for name in used}
        for path in (self.path / "keys").glob("*.pem"):
            if path.resolve() not in keys:
                path.unlink()

    def _key_path(self, purpose: str) -> Path:
        return self.path / "keys" / f"{purpose}.pem"

    def _point(self, name: str, to: str) -> None:
        made = self.path / f".{name}.{secrets.token_hex(4)}"
        made.symlink_to(to)
        made.replace(self.path / name)
        sync_folder(self.path)


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in a file. Raises Misuse."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        raise unreadable(path) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise unreadable(path)
    return key
