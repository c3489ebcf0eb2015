"""Secrets of people and of sessions. Neither can be read back from what a database keeps of them.

Hashing takes a tenth of a second on purpose: never inside a transaction, or a writer stands still for that long.
"""

from __future__ import annotations

import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_LENGTH = 10

# OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane. A log-in on the box must
# not take the memory that an image being judged needs.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_NOBODY = _hasher.hash("nobody has this secret")


def hash_secret(secret: str) -> str:
    """A password or PIN by argon2id, salted. Slow."""
    return _hasher.hash(secret)


def matches(secret_hash: str | None, secret: str) -> bool:
    """Whether a secret fits. Takes as long for a name that nobody has. Slow."""
    try:
        return _hasher.verify(secret_hash or _NOBODY, secret) and secret_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def token_hash(token: str) -> str:
    """A session's token, which is long and random, by SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()
