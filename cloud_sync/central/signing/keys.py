"""Keys of people: the private half under a passphrase, beside its public card.

``<name>.key.json`` (0600) holds the PKCS#8 private key, encrypted by AES-256-GCM under scrypt of the passphrase.
The card is authenticated with it, so a card whose owner or purpose was changed no longer opens its key. PKCS#8's
own encryption is not used: the library would write it with 2,048 rounds of PBKDF2. Of a key in hardware (PKCS#11)
the file only says where it is; the passphrase is then its PIN.
"""

from __future__ import annotations

import base64
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from pydantic import BaseModel, ConfigDict, Field
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # public by its documents, not for mypy
from securesystemslib.signer import Signer as Instrument  # type: ignore[attr-defined]  # public by its documents, not for mypy

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.signing import cards, hardware
from cloud_sync.central.signing.cards import Card, Purpose
from cloud_sync.updates.disk import sync_folder

Scheme = Literal["ed25519", "ecdsa-p256"]
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PASSPHRASE_LENGTH = 12
SUFFIX = ".key.json"
STRONG = 17
"""OWASP's first recommendation for scrypt: N = 2^17, r = 8, p = 1: 128 MiB, about half a second."""
_STRETCHING = threading.Lock()
"""One at a time: whoever types passphrases into many pages must not take the centre's memory."""


class _Sealed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1] = 1
    log2_n: Annotated[int, Field(ge=10, le=20)] = STRONG
    salt: str = ""
    nonce: str = ""
    pkcs8: str = ""
    hardware: Annotated[str, Field(max_length=200)] = ""
    """Where securesystemslib finds the key (``hsm:2?label=...``); the rest is then empty."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody with an opened key."""

    card: Card
    instrument: Instrument
    """What python-tuf signs with."""


def new(
    folder: Path, name: str, owner: str, purpose: Purpose, passphrase: str, scheme: Scheme = "ed25519",
    log2_n: int = STRONG,
) -> Card:  # fmt: skip
    """Make a key; its two files are in ``folder`` then.

    Raises:
        Misuse: ``keys.passphrase_short``, ``keys.exists``, ``keys.card``.
    """
    if len(passphrase) < PASSPHRASE_LENGTH:
        raise Misuse(
            "keys.passphrase_short",
            Bilingual("口令太短", "The passphrase is too short"),
            Bilingual(
                f"至少 {PASSPHRASE_LENGTH} 个字符，建议用四个以上不相关的词",
                f"At least {PASSPHRASE_LENGTH} characters; four or more unrelated words are good",
            ),
        )
    key: PrivateKey = (
        ed25519.Ed25519PrivateKey.generate() if scheme == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    )
    card = cards.make(name, owner, purpose, key.public_key())
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    sealed = AESGCM(_stretch(passphrase, salt, log2_n)).encrypt(nonce, plain, card.dump())
    _keep(folder, card, _Sealed(log2_n=log2_n, salt=_text(salt), nonce=_text(nonce), pkcs8=_text(sealed)))
    return card


def adopt(folder: Path, name: str, owner: str, purpose: Purpose, pin: Callable[[], str], token: str = "") -> Card:
    """Take a P-256 key that is in hardware (PKCS#11) into use. ``token``: its label, when there are several.

    Raises:
        Misuse: ``keys.exists``, ``keys.card``, ``keys.hardware_missing``, ``keys.hardware``.
    """
    place, public = hardware.find(pin, token)
    card = cards.make(name, owner, purpose, public)
    _keep(folder, card, _Sealed(hardware=place))
    return card


def load(path: Path, passphrase: str) -> Signer:
    """Open a key file; its card lies beside it. Takes half a second on purpose.

    Raises:
        Misuse: ``keys.passphrase`` (wrong, or the card was changed), ``keys.unreadable``, ``keys.card``,
            ``keys.damaged``, ``keys.hardware_missing``.
    """
    card = cards.read(path.with_name(path.name.removesuffix(SUFFIX) + cards.SUFFIX))
    try:
        file = _Sealed.model_validate_json(cards.content_of(path))
        if file.hardware:
            return Signer(card, hardware.signer(file.hardware, card.key, passphrase))
        salt, nonce, sealed = (base64.b64decode(one, validate=True) for one in (file.salt, file.nonce, file.pkcs8))
        plain = AESGCM(_stretch(passphrase, salt, file.log2_n)).decrypt(nonce, sealed, card.dump())
        key = load_der_private_key(plain, None)
        if not isinstance(key, PrivateKey):
            raise ValueError
        return Signer(card, CryptoSigner(key, card.key))
    except InvalidTag:
        raise Misuse(
            "keys.passphrase",
            Bilingual(f"无法打开密钥 {card.name}", f"The key {card.name} cannot be opened"),
            Bilingual(
                "口令错误，或公钥卡被改动过；请重新输入口令",
                "The passphrase is wrong, or the card was changed; type the passphrase again",
            ),
        ) from None
    except ValueError:
        raise Misuse(
            "keys.damaged",
            Bilingual(f"密钥文件 {path} 已损坏", f"The key file {path} is damaged"),
            Bilingual("从备份恢复，或作为遗失处理", "Restore it from a backup, or treat it as lost"),
        ) from None


def path_of(folder: Path, name: str) -> Path:
    """The key file of that name. Raises Misuse ``keys.card`` for what is no name."""
    if not cards.NAME.fullmatch(name):
        raise cards.invalid()
    return folder / f"{name}{SUFFIX}"


def load_own(folder: Path, owner: str, purpose: Purpose, passphrase: str) -> Signer:
    """Open the key of the account ``owner``; with several, the one that the passphrase opens.

    Raises:
        Misuse: ``keys.none``: the account has no such key; as :func:`load`.
    """
    refusal: Misuse | None = None
    for card in cards.listed(folder, owner, purpose):
        try:
            return load(path_of(folder, card.name), passphrase)
        except Misuse as error:
            refusal = error
    raise refusal or Misuse(
        "keys.none",
        Bilingual(f"账户 {owner} 没有可用的密钥", f"The account {owner} has no such key"),
        Bilingual(
            f"运行 qcbox-central keys new 名称 --owner {owner} --purpose {purpose}",
            f"Run qcbox-central keys new NAME --owner {owner} --purpose {purpose}",
        ),
    )


def _stretch(passphrase: str, salt: bytes, log2_n: int) -> bytes:
    with _STRETCHING:
        return Scrypt(salt=salt, length=32, n=2**log2_n, r=8, p=1).derive(passphrase.encode())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _keep(folder: Path, card: Card, file: _Sealed) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _create(path_of(folder, card.name), file.model_dump_json(indent=1).encode(), 0o600)
        # The card last: a key exists when its card does.
        _create(folder / f"{card.name}{cards.SUFFIX}", card.dump(), 0o644)
    except FileExistsError:
        raise Misuse(
            "keys.exists",
            Bilingual(f"已有名为 {card.name} 的密钥", f"There is a key of the name {card.name} already"),
            Bilingual("换一个名称；密钥文件从不覆盖", "Choose another name; a key file is never overwritten"),
        ) from None
    sync_folder(folder)


def _create(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
