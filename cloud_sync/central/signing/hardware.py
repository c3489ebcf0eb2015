"""Keys that never leave a token or a smartcard (PKCS#11), by securesystemslib's HSMSigner."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import HSMSigner, Signer, SSlibKey  # type: ignore[attr-defined]  # public by its documents, not for mypy

from capture.errors import Misuse
from capture.text import Bilingual


def find(pin: Callable[[], str], token: str = "") -> tuple[str, EllipticCurvePublicKey]:
    """Where the signing key (PIV slot 9c) of a token is, and its public half. ``token``: a label, or "".

    Raises:
        Misuse: ``keys.hardware_missing``, ``keys.hardware``.
    """
    try:
        place, key = HSMSigner.import_(token_label=token or None, secrets_handler=lambda name: pin())
    except UnsupportedLibraryError:
        raise _missing() from None
    except (ValueError, RuntimeError):  # RuntimeError: python-pkcs11's own errors
        raise _unusable() from None
    public = load_pem_public_key(key.keyval["public"].encode())
    if not isinstance(public, EllipticCurvePublicKey):
        raise _unusable()
    return place, public


def signer(place: str, key: SSlibKey, pin: str) -> Signer:
    """Signs with the key at ``place``. Raises Misuse ``keys.hardware_missing``, ``keys.hardware``."""
    try:
        return HSMSigner.from_priv_key_uri(place, key, lambda name: pin)
    except UnsupportedLibraryError:
        raise _missing() from None
    except ValueError:
        raise _unusable() from None


def _missing() -> Misuse:
    return Misuse(
        "keys.hardware_missing",
        Bilingual("本机没有使用硬件密钥的组件", "This machine lacks what talks to hardware keys"),
        Bilingual(
            "运行 pip install 'qcbox[pkcs11]', 并用环境变量 PYKCS11LIB 指明令牌的 PKCS#11 库文件",
            "Run pip install 'qcbox[pkcs11]', and name the token's PKCS#11 library in the variable PYKCS11LIB",
        ),
    )


def _unusable() -> Misuse:
    return Misuse(
        "keys.hardware",
        Bilingual("硬件令牌中没有可用的密钥", "No usable key on the hardware token"),
        Bilingual(
            "插入令牌；令牌的签名槽 (PIV 9c) 须有 P-256 密钥；PYKCS11LIB 须指向其库文件；有多个令牌时指明标签",
            "Plug in the token; its signing slot (PIV 9c) needs a P-256 key; PYKCS11LIB must name its library; "
            "with several tokens say which label",
        ),
    )
