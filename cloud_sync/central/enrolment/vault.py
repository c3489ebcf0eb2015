"""The authority's folder: ``authority-1.key`` and ``.pem`` for each generation, ``cross-2.pem``, and what was
issued by hand. The newest generation signs; all of them are believed until they are retired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.enrolment import ca
from cloud_sync.central.enrolment.ca import Authority
from cloud_sync.updates.disk import write_whole

SERVER = "server"
"""Stem of the door's own key and certificate."""
SERVER_LIFE = timedelta(days=730)
"""Of the certificates of broker and centre."""
PRIVATE, PUBLIC = 0o600, 0o644
"""Modes of files: keys, and what broker and boxes may read."""
_KEY, _CERTIFICATE, _CROSS = "authority-{}.key", "authority-{}.pem", "cross-{}.pem"


@dataclass(frozen=True, slots=True)
class Vault:
    """The generations that there are, oldest first; at least one."""

    authorities: tuple[Authority, ...]

    @property
    def current(self) -> Authority:
        """The one that signs."""
        return self.authorities[-1]

    @property
    def believed(self) -> str:
        """All of them as PEM, the newest first: what boxes, broker and centre have as their CA file."""
        return ca.pem(*(one.certificate for one in reversed(self.authorities)))

    def chain(self, certificate: ca.Certificate) -> str:
        """A server's certificate with what a box needs that knows only the generation before."""
        return ca.pem(certificate, *([self.current.cross] if self.current.cross else []))


def create(folder: Path, name: str, servers: Sequence[str], passphrase: bytes | None, now: int) -> Vault:
    """The first generation. ``now``: UTC milliseconds.

    Raises:
        Misuse: there is one already.
    """
    if _generations(folder):
        raise Misuse(
            "ca.exists",
            Bilingual("这里已有证书颁发机构", "There is an authority here already"),
            Bilingual("更换用 qcbox-central ca roll", "To follow it with another: qcbox-central ca roll"),
        )
    made = ca.make(name, servers, now)
    _keep(folder, 1, made, passphrase)
    return Vault((made,))


def roll(folder: Path, name: str, servers: Sequence[str], passphrase: bytes | None, now: int) -> Vault:
    """One more generation, signed by the present one as well. Raises Misuse."""
    vault = load(folder, passphrase)
    made = ca.make(name, servers, now, before=vault.current)
    _keep(folder, _generations(folder)[-1] + 1, made, passphrase)
    return Vault((*vault.authorities, made))


def retire(folder: Path, passphrase: bytes | None) -> Vault:
    """Believe the oldest generation no more; its files get the ending ``.retired``.

    Raises:
        Misuse: it is the only one.
    """
    vault, numbers = load(folder, passphrase), _generations(folder)
    if len(numbers) == 1:
        raise Misuse(
            "ca.last",
            Bilingual("只有一代证书颁发机构，不能停用", "This is the only generation, it cannot be retired"),
            Bilingual("先用 qcbox-central ca roll 建立下一代", "Make the next one first: qcbox-central ca roll"),
        )
    for form in (_KEY, _CERTIFICATE, _CROSS):
        path = folder / form.format(numbers[0])
        if path.exists():
            path.rename(path.with_name(f"{path.name}.retired"))
    return Vault(vault.authorities[1:])


def load(folder: Path, passphrase: bytes | None) -> Vault:
    """All generations.

    Raises:
        Misuse: there is none, a file cannot be read, or the passphrase is wrong.
    """
    numbers = _generations(folder)
    if not numbers:
        raise _missing()
    try:
        return Vault(tuple(_read(folder, number, passphrase) for number in numbers))
    except (OSError, ValueError, TypeError):
        raise _unreadable() from None


def pin(folder: Path) -> str:
    """SHA-256 of the public key by which a new box knows the door: of the generation that signed the door's
    certificate, which after a change is the old one until a new certificate is issued. Needs no passphrase.

    Raises:
        Misuse: there is no authority, or a certificate cannot be read.
    """
    numbers = _generations(folder)
    if not numbers:
        raise _missing()
    try:
        known = [_certificate(folder / _CERTIFICATE.format(number)) for number in reversed(numbers)]
        door = folder / f"{SERVER}.pem"
        signed = [one for one in known if door.exists() and one.subject == _certificate(door).issuer]
        return ca.key_id((signed or known)[0].public_key())
    except (OSError, ValueError, TypeError):
        raise _unreadable() from None


def _certificate(path: Path) -> ca.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def ending(folder: Path, before: int) -> dict[str, int]:
    """Papers issued by hand into the folder that end before then, and when. Both in UTC milliseconds."""
    found: dict[str, int] = {}
    for path in folder.glob("*.key"):
        certificate = path.with_suffix(".pem")
        if path.stem.startswith("authority-") or not certificate.exists():
            continue
        try:
            until = ca.millis(_certificate(certificate).not_valid_after_utc)
        except (OSError, ValueError):
            continue
        if until < before:
            found[path.stem] = until
    return found


def encrypted(folder: Path) -> bool:
    """Whether the newest generation's key needs a passphrase."""
    numbers = _generations(folder)
    return bool(numbers) and b"ENCRYPTED" in (folder / _KEY.format(numbers[-1])).read_bytes()


def _missing() -> Misuse:
    return Misuse(
        "ca.missing",
        Bilingual("没有证书颁发机构", "There is no authority"),
        Bilingual("先运行 qcbox-central ca init", "Run qcbox-central ca init first"),
    )


def _unreadable() -> Misuse:
    return Misuse(
        "ca.unreadable",
        Bilingual("证书颁发机构的文件无法使用", "The files of the authority cannot be used"),
        Bilingual("检查口令和文件权限", "Look at the passphrase and at the files' permissions"),
    )


def _generations(folder: Path) -> list[int]:
    found = (path.stem.removeprefix("authority-") for path in folder.glob(_CERTIFICATE.format("*")))
    return sorted(int(number) for number in found if number.isdigit())


def _read(folder: Path, number: int, passphrase: bytes | None) -> Authority:
    raw = (folder / _KEY.format(number)).read_bytes()
    # cryptography refuses a passphrase for a key that has none.
    key = load_pem_private_key(raw, passphrase if b"ENCRYPTED" in raw else None)
    certificate = _certificate(folder / _CERTIFICATE.format(number))
    crossed = folder / _CROSS.format(number)
    cross = _certificate(crossed) if crossed.exists() else None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("key and certificate do not belong together")
    return Authority(certificate, key, cross)


def _keep(folder: Path, number: int, made: Authority, passphrase: bytes | None) -> None:
    """The certificate last: it is what makes a generation."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(folder / _KEY.format(number), key_pem(made.key, passphrase), PRIVATE)
    if made.cross is not None:
        write_whole(folder / _CROSS.format(number), ca.pem(made.cross).encode(), PUBLIC)
    write_whole(folder / _CERTIFICATE.format(number), ca.pem(made.certificate).encode(), PUBLIC)


def key_pem(key: ca.Key, passphrase: bytes | None) -> bytes:
    """A key as PKCS#8, encrypted where there is a passphrase."""
    sealed = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)


Sign = Callable[[ca.Authority, ec.EllipticCurvePublicKey], ca.Certificate]


def issue_files(vault: Vault, folder: Path, stem: str, sign: Sign) -> None:
    """A new key and its certificate as ``stem.key`` (0600, no passphrase: programs read it at start) and
    ``stem.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = sign(vault.current, key.public_key())
    write_whole(folder / f"{stem}.key", key_pem(key, None), PRIVATE)
    write_whole(folder / f"{stem}.pem", vault.chain(certificate).encode(), PUBLIC)


class Keeper:
    """The vault of a running centre: read anew when a generation comes or goes. May be called from any thread."""

    def __init__(self, folder: Path, passphrase: bytes | None) -> None:
        """Raises Misuse."""
        self._folder, self._passphrase = folder, passphrase
        self._numbers = _generations(folder)
        self._vault = load(folder, passphrase)

    def __call__(self) -> Vault:
        """As it is now. Raises Misuse."""
        if (numbers := _generations(self._folder)) != self._numbers:
            self._vault = load(self._folder, self._passphrase)
            self._numbers = numbers
        return self._vault


def passphrase(path: Path | None) -> bytes | None:
    """The first line of a file. Raises Misuse."""
    if path is None:
        return None
    try:
        return path.read_bytes().partition(b"\n")[0].rstrip(b"\r") or None
    except OSError:
        raise Misuse(
            "ca.passphrase",
            Bilingual("口令文件无法读取", "The passphrase file cannot be read"),
            Bilingual(f"检查 {path}", f"Look at {path}"),
        ) from None
