"""Goldens: inputs and the outputs they must give, so that a network proves itself on every machine.

``goldens/*.npz`` hold arrays named ``input.NAME`` and ``output.NAME``. Inputs are synthetic: nobody is in them.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.bundle import Bundle
from models.bundles.metadata import GOLDENS
from models.bundles.session import Array

TOLERANCE = 1e-3
"""Issue 3: goldens on another CPU differ by at most this much."""
_LARGEST = 256_000_000
_STEP = np.float32(2**-12)
"""Outputs are kept in these steps: far below the tolerance, and a number of few bits packs well."""


@dataclass(frozen=True, slots=True)
class Held:
    """How one golden came out."""

    name: str
    difference: float
    """The largest, over all outputs."""

    @property
    def holds(self) -> bool:
        return self.difference <= TOLERANCE


def save(path: Path, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> None:
    """Write one golden; ``path`` ends in ``.npz`` and is in the bundle's folder ``goldens``."""
    named = {f"input.{name}": array for name, array in inputs.items()}
    named |= {f"output.{name}": (array / _STEP).round() * _STEP for name, array in outputs.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, allow_pickle=False, **named)


def check(bundle: Bundle, files: Mapping[str, bytes]) -> tuple[Held, ...]:
    """Run the bundle on each golden among the files of its package; empty when there is none.

    Raises:
        Misuse: a golden is no golden, or the network does not run.
    """
    names = sorted(name for name in files if name.startswith(f"{GOLDENS}/"))
    return tuple(_check(bundle, name, files[name]) for name in names)


def _check(bundle: Bundle, name: str, raw: bytes) -> Held:
    inputs, outputs = _load(bundle, name, raw)
    found = bundle.run(inputs)
    if found.keys() != outputs.keys() or any(found[key].shape != outputs[key].shape for key in outputs):
        raise _wrong(bundle, name)
    return Held(name, max(float(np.abs(found[key] - outputs[key]).max()) for key in outputs))


def _load(bundle: Bundle, name: str, raw: bytes) -> tuple[dict[str, Array], dict[str, Array]]:
    content = io.BytesIO(raw)
    try:
        with zipfile.ZipFile(content) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise ValueError("too large")
        with np.load(content, allow_pickle=False) as arrays:
            named = {key: np.asarray(arrays[key], np.float32) for key in arrays.files}
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        raise _wrong(bundle, name) from None
    parts = [
        {key.removeprefix(part): array for key, array in named.items() if key.startswith(part)}
        for part in ("input.", "output.")
    ]
    if not all(parts):
        raise _wrong(bundle, name)
    return parts[0], parts[1]


def _wrong(bundle: Bundle, name: str) -> Misuse:
    return Misuse(
        "bundle.golden",
        Bilingual(
            f"{bundle.name} 的 {name} 不是可用的验证样本", f"{name} of {bundle.name} is not a usable golden"
        ),
        Bilingual("其中应有 input.名称 与 output.名称 的数组", "It holds arrays named input.NAME and output.NAME"),
    )
