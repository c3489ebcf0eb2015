"""Memory: the images that a screen showed, so that a reopened one is not taken for a new acquisition.

Kept as thumbs of blocks (an eighth of an eighth of quarter size) and as digests of what the witnesses said; it
outlives the process in one file.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.screen.blocks import alike

MOST = 64
"""Looks that are remembered; an image may have several."""

Key = tuple[str | None, ...]
"""Digest of what each witness said; None where it could not be read."""


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """One look of one image."""

    image: str
    key: Key
    thumb: NDArray[np.uint8]


class Memory:
    """The last looks, oldest first. The last image that was new is the current one."""

    def __init__(self) -> None:
        self.current = ""
        self._looks: deque[Remembered] = deque(maxlen=MOST)

    def __iter__(self) -> Iterator[Remembered]:
        return iter(self._looks)

    def add(self, look: Remembered) -> None:
        """Remember it; the oldest is forgotten."""
        self._looks.append(look)

    def find(self, thumb: NDArray[np.uint8], usable: NDArray[np.bool_]) -> Remembered | None:
        """The latest look that is this picture."""
        return next((one for one in reversed(self._looks) if alike(one.thumb, thumb, usable)), None)

    def image_of(self, key: Key) -> str:
        """The image at which the witnesses said this; "" when none or when they say nothing."""
        return next((one.image for one in reversed(self._looks) if agree(one.key, key)), "")

    def fresh(self, key: Key) -> bool:
        """Whether the witnesses say something and never said it before."""
        return any(key) and not self.image_of(key)

    def dump(self) -> bytes:
        """A file's bytes."""
        written = io.BytesIO()
        told = [self.current, [(one.image, one.key) for one in self._looks]]
        thumbs = np.stack([one.thumb for one in self._looks]) if self._looks else np.zeros((0, 2, 1, 1), np.uint8)
        np.savez_compressed(written, told=np.array(json.dumps(told)), thumbs=thumbs)
        return written.getvalue()


def load(content: bytes, shape: tuple[int, int]) -> Memory:
    """From a file's bytes; empty when it cannot be read or was of an image box with other blocks (``shape``)."""
    memory = Memory()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            current, looks = json.loads(str(stored["told"]))
            thumbs = np.asarray(stored["thumbs"], np.uint8)
        if thumbs.shape[2:] == shape:
            for (image, key), thumb in zip(looks, thumbs, strict=True):
                memory.add(Remembered(str(image), tuple(key), thumb))
            memory.current = str(current)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile):
        return Memory()
    return memory


def save(path: Path, memory: Memory) -> None:
    """Whole or not at all. Raises OSError."""
    written = path.with_suffix(".tmp")
    written.touch(mode=0o600)
    written.write_bytes(memory.dump())
    written.replace(path)


def digest(texts: tuple[str | None, ...]) -> Key:
    """What is kept of the witnesses' texts."""
    return tuple(None if text is None else hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts)


def agree(one: Key, other: Key) -> bool:
    """Whether both say something, and nowhere something different."""
    pairs = [(a, b) for a, b in zip(one, other, strict=False) if a is not None and b is not None]
    return bool(pairs) and all(a == b for a, b in pairs)
