"""Memory: the images that a screen showed, so that a reopened one is not taken for a new acquisition.

Kept as thumbs of blocks (an eighth of an eighth of quarter size) and as digests of what the witnesses said; it
outlives the process in one file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.screen.blocks import alike

MOST_LOOKS, MOST_KEYS = 64, 1024
"""An image may have several looks; a day has some hundred images."""

Key = tuple[str | None, ...]
"""Digests of what the witnesses and the patient's fields said; None where one could not be read."""


class Memory:
    """The last looks and keys, oldest first. ``current``: the last image that was new, "" before the first.

    ``due``: letters with which its last images are handed over (:mod:`capture.screen.handover`)."""

    def __init__(self) -> None:
        self.current = ""
        self.due: tuple[str, ...] = ()
        self._looks: deque[tuple[str, NDArray[np.uint8]]] = deque(maxlen=MOST_LOOKS)
        self._keys: deque[tuple[str, Key]] = deque(maxlen=MOST_KEYS)

    @property
    def empty(self) -> bool:
        """Whether nothing was ever seen."""
        return not self._looks

    def add(self, image: str, thumb: NDArray[np.uint8], key: Key) -> None:
        """Remember a look of an image; the oldest is forgotten."""
        self._looks.append((image, thumb))
        if any(key) and (image, key) not in self._keys:
            self._keys.append((image, key))

    def seen(self, thumb: NDArray[np.uint8], usable: NDArray[np.bool_]) -> str:
        """The latest image that looked like this; "" when none did."""
        return next((image for image, one in reversed(self._looks) if alike(one, thumb, usable)), "")

    def image_of(self, key: Key) -> str:
        """The latest image of which this was said; "" when none, or when it says nothing."""
        return next((image for image, one in reversed(self._keys) if agree(one, key)), "")

    def dump(self) -> bytes:
        """A file's bytes."""
        written = io.BytesIO()
        told = [self.current, [image for image, _ in self._looks], list(self._keys), self.due]
        thumbs = np.stack([one for _, one in self._looks]) if self._looks else np.zeros((0, 2, 1, 1), np.uint8)
        np.savez_compressed(written, told=np.array(json.dumps(told)), thumbs=thumbs)
        return written.getvalue()


def load(content: bytes, shape: tuple[int, int]) -> Memory:
    """From a file's bytes; empty when it cannot be read or was of an image box with other blocks (``shape``)."""
    memory = Memory()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            current, images, keys, _ = json.loads(str(stored["told"]))
            thumbs = np.asarray(stored["thumbs"], np.uint8)
        if thumbs.shape[2:] == shape:
            memory.current = str(current)
            memory._looks.extend(zip(map(str, images), thumbs, strict=True))
            memory._keys.extend((str(image), tuple(key)) for image, key in keys)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile):
        return Memory()
    return memory


def due(content: bytes) -> tuple[str, ...]:
    """What was due when a file with these bytes was saved; () when it cannot be read."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            _, _, _, named = json.loads(str(stored["told"]))
        return tuple(map(str, named))
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile):
        return ()


def save(path: Path, memory: Memory) -> None:
    """Whole or not at all, on the medium: what it says is relied upon. Raises OSError."""
    written = path.with_suffix(".tmp")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(memory.dump())
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def digest(texts: tuple[str | None, ...]) -> Key:
    """What is kept of the witnesses' texts."""
    return tuple(None if text is None else hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts)


def agree(one: Key, other: Key) -> bool:
    """Whether both say something, and nowhere something different."""
    pairs = [(a, b) for a, b in zip(one, other, strict=False) if a is not None and b is not None]
    return bool(pairs) and all(a == b for a, b in pairs)
