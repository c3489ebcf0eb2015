"""The public half of a person's key: whose it is and what it may sign. May be given to anybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # public by its documents, not for mypy

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.updates.listing import OWNER

Purpose = Literal["root", "targets", "content", "online"]
"""root: who may sign at all. targets: who answers for which area. content: the releases of an area.
online: snapshot and timestamp, by the running centre itself."""
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SUFFIX = ".card.json"
_ACCOUNT = r"^[\w.-]{1,64}$"  # as in cloud_sync.central.accounts


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1] = 1
    name: Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
    owner: Annotated[str, Field(pattern=_ACCOUNT)]
    purpose: Purpose
    public: Annotated[str, Field(max_length=1000)]


@dataclass(frozen=True, slots=True)
class Card:
    """A public key with its owner."""

    name: str
    """Of its files."""
    owner: str
    """Account of the one person who knows the passphrase; of the online key, a name for the centre."""
    purpose: Purpose
    public: str
    """SubjectPublicKeyInfo, PEM: Ed25519, or ECDSA on P-256."""

    @property
    def key(self) -> SSlibKey:
        """As it stands in signed metadata, with its owner."""
        key = SSlibKey.from_crypto(_public(self.public))
        key.unrecognized_fields[OWNER] = self.owner
        return key

    @property
    def keyid(self) -> str:
        """The Update Framework's: sha256 of the key's canonical form, without the owner."""
        return self.key.keyid

    def dump(self) -> bytes:
        """The card file's bytes, the same for equal cards."""
        content = _File(name=self.name, owner=self.owner, purpose=self.purpose, public=self.public)
        return content.model_dump_json(indent=1).encode()


def make(name: str, owner: str, purpose: Purpose, public: PublicKey) -> Card:
    """A card of a public key.

    Raises:
        Misuse: ``keys.card``: name or owner is not a name, or the key is of another kind.
    """
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    try:
        return parse(Card(name, owner, purpose, pem).dump())
    except ValidationError:
        raise invalid() from None


def parse(content: bytes) -> Card:
    """A card from its file's bytes. Raises Misuse ``keys.card``."""
    try:
        file = _File.model_validate_json(content)
        _public(file.public)
    except (ValidationError, ValueError, UnsupportedAlgorithm):
        raise invalid() from None
    return Card(file.name, file.owner, file.purpose, file.public)


def read(path: Path) -> Card:
    """A card file. Raises Misuse ``keys.card``, ``keys.unreadable``."""
    return parse(content_of(path))


def content_of(path: Path) -> bytes:
    """The bytes of a key's or card's file. Raises Misuse ``keys.unreadable``."""
    try:
        return path.read_bytes()
    except OSError:
        raise Misuse(
            "keys.unreadable",
            Bilingual(f"读不了文件 {path}", f"The file {path} cannot be read"),
            Bilingual(
                "检查路径和权限；qcbox-central keys list 列出已有密钥",
                "Check its path and permissions; qcbox-central keys list shows the keys there are",
            ),
        ) from None


def listed(folder: Path, owner: str = "", purpose: Purpose | None = None) -> tuple[Card, ...]:
    """The cards of a folder by name: all, or those of one account, or for one purpose.

    Raises:
        Misuse: one of them is no card.
    """
    found = (read(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
    return tuple(one for one in found if owner in ("", one.owner) and purpose in (None, one.purpose))


def _public(pem: str) -> PublicKey:
    key = load_pem_public_key(pem.encode())
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise ValueError("neither Ed25519 nor P-256")


def invalid() -> Misuse:
    """What is no card, or no name of one."""
    return Misuse(
        "keys.card",
        Bilingual("公钥卡无效", "The key card is not valid"),
        Bilingual(
            "使用 qcbox-central keys new 生成的 .card.json 文件；名称为小写字母、数字和短横，所有者为账户名",
            "Use a .card.json file made by qcbox-central keys new; a name has small letters, digits and dashes, "
            "the owner is an account",
        ),
    )
