"""Export: a fitted network becomes a MONAI bundle with an ONNX file, shown to say the same as torch does."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import monai
import numpy as np
import torch
from torch import nn

from capture.errors import Bug, Misuse
from capture.text import Bilingual
from models.anatomy.canvas import canvas_of
from models.bundles import golden
from models.bundles.bundle import Bundle, read_bundle
from models.bundles.files import seal
from models.bundles.metadata import CARD, GOLDENS, METADATA, NETWORK
from models.content.factory import BUNDLE_MOST
from models.content.package import open_package, pack_up
from models.training.drawn import draw
from models.training.loop import run_of
from models.training.task import Accompanied, Array, Output, Run, Signature, Task

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
"""MONAI's schema of metadata; ``metadata.schema.json`` restates it, so that no internet is needed."""
OPSET = 17
INPUT = "image"
_FOR_CARD = 50_000
Shapes = Mapping[str, tuple[int, ...]]


def export(task: Task, network: nn.Module, folder: Path, trained: Mapping[str, Any] | None = None) -> float:
    """Write the bundle of a fitted network, prove it and seal it. ``docs/README.md``, the card, is its author's.

    Args:
        task: whose network it is.
        network: as :func:`models.training.loop.fit` returns it.
        folder: of the bundle; its name is the bundle's name.
        trained: how it was fitted, for the metadata: seed, epochs, films per source...

    Returns:
        The largest difference between torch and ONNX.

    Raises:
        Bug: the exported network does not say what torch says.
        Misuse: the bundle is larger than the appliance takes, or its folder cannot be the name of one.
    """
    for name in (NETWORK, METADATA, CARD):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    expected = run_of(network.cpu().eval(), task.signature)
    canvases = canvases_for(task.signature.side)
    shapes = {name: array.shape for name, array in expected(canvases[:1]).items()}
    write_onnx(network, task.signature, folder / NETWORK)
    write_metadata(task, shapes, trained or {}, folder / METADATA)
    if isinstance(task, Accompanied):
        for name, content in task.companions(expected).items():
            (folder / name).write_bytes(content)
    seal(folder)
    bundle = read_exported(folder)
    found = parity(expected, run_bundle(bundle), canvases)
    _write_goldens(bundle, canvases[:, None], folder)
    seal(folder)
    return found


def read_exported(folder: Path) -> Bundle:
    """A bundle from its folder.

    Raises:
        Misuse: it is not as it must be, or larger than the appliance takes of ours.
    """
    package = open_package(pack_up(folder, "bundle"))
    if package.length > BUNDLE_MOST:
        raise Misuse(
            "bundle.size",
            Bilingual(
                f"{folder} 共 {package.length / 1e6:.1f} MB，超过上限 {BUNDLE_MOST / 1e6:.0f} MB",
                f"{folder} has {package.length / 1e6:.1f} MB, more than {BUNDLE_MOST / 1e6:.0f} MB",
            ),
            Bilingual("用更小的网络", "Make the network smaller"),
        )
    return read_bundle(package)


def _write_goldens(bundle: Bundle, canvases: Array, folder: Path) -> None:
    """As many as the bundle has room for beside its card; at least one."""
    for number, canvas in enumerate(canvases):
        file = folder / GOLDENS / f"{number}.npz"
        golden.save(file, {INPUT: canvas}, bundle.run({INPUT: canvas}))
        if number and sum(one.stat().st_size for one in folder.rglob("*")) > BUNDLE_MOST - _FOR_CARD:
            file.unlink()
            break


def write_onnx(network: nn.Module, signature: Signature, file: Path) -> None:
    """The network in ONNX, opset 17, only the batch of any size; batch normalisation folded."""
    names = [output.name for output in signature.outputs]
    with warnings.catch_warnings():
        # The older exporter is wanted: a tenth of the time (design/ml.md, 2). It warns of its age.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, signature.side, signature.side),),
            str(file),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=names,
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *names)},
        )


def run_bundle(bundle: Bundle) -> Run:
    """The exported network, run as the box runs it."""
    return lambda batch: bundle.run({INPUT: np.ascontiguousarray(batch)})


def canvases_for(side: int) -> Array:
    """Canvases that show nobody: two drawn chests, smooth noise; ``(3, 1, side, side)``."""
    coarse = np.random.default_rng(7).normal(0, 1, (side // 16 + 1,) * 2)
    smooth = np.kron(coarse, np.ones((16, 16)))[:side, :side].astype(np.float32)
    films = [draw(1).picture, draw(2, 200, 260).picture, smooth]
    stack = np.stack([canvas_of(film, side).image for film in films])[:, None]
    return np.round(stack * 255).astype(np.float32) / np.float32(255)  # 256 values: small files


def parity(expected: Run, exported: Run, canvases: Array) -> float:
    """Largest difference over all outputs, in a batch and one by one; an empty canvas and noise are added.

    Raises:
        Bug: it is above the tolerance.
    """
    noise = np.random.default_rng(11).random((1, *canvases.shape[1:]), np.float32)
    batch = np.concatenate([canvases, noise, np.zeros_like(noise)])
    wanted, together = expected(batch), exported(batch)
    singly = [exported(batch[index : index + 1]) for index in range(len(batch))]
    worst = max(
        max(float(np.abs(together[name] - array).max()) for name, array in wanted.items()),
        max(
            float(np.abs(one[name] - wanted[name][index]).max())
            for index, one in enumerate(singly)
            for name in one
        ),
    )
    if not worst <= golden.TOLERANCE:
        raise Bug(
            "training.parity",
            Bilingual(f"ONNX 与 torch 相差 {worst:.2g}", f"ONNX and torch differ by {worst:.2g}"),
            Bilingual("不要使用此网络包，请报告此问题", "do not use this bundle, and report this"),
        )
    return worst


def write_metadata(task: Task, shapes: Shapes, trained: Mapping[str, Any], file: Path) -> None:
    """MONAI's metadata, checked against its schema; what is ours alone is under ``qcbox``."""
    about = task.about
    metadata = {
        "schema": SCHEMA,
        "version": task.version,
        "changelog": dict(about.changelog) or {task.version: "first version"},
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__.partition("+")[0],
        "numpy_version": np.__version__,
        "required_packages_version": {"onnxruntime": version("onnxruntime")},
        "name": task.name,
        "task": about.task,
        "description": about.description,
        "authors": "qcbox contributors",
        "copyright": "Copyright (c) qcbox contributors. Apache-2.0; for the data see docs/README.md.",
        "data_source": about.data_source,
        "data_type": "dicom",
        "intended_use": about.intended_use,
        "references": list(about.references),
        "network_data_format": {
            "inputs": {INPUT: _image(task.signature)},
            "outputs": {output.name: _tensor(output, shapes[output.name]) for output in task.signature.outputs},
        },
        "qcbox": {
            "task_zh": about.task_zh,
            "description_zh": about.description_zh,
            "preprocessing": task.signature.canvas,
            "trained": dict(trained),
        },
    }
    jsonschema.validate(metadata, metadata_schema())
    file.write_text(json.dumps(metadata, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def metadata_schema() -> dict[str, Any]:
    """What MONAI demands of ``metadata.json``, as JSON Schema."""
    text = files("models.training").joinpath("metadata.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _image(signature: Signature) -> dict[str, Any]:
    return {
        "type": "image",
        "format": "magnitude",
        "modality": signature.modality,
        "num_channels": 1,
        "spatial_shape": [signature.side, signature.side],
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": False,
        "channel_def": {"0": "image"},
    }


def _tensor(output: Output, shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        "type": "image" if output.spatial else "probabilities",
        "format": "segmentation" if output.spatial else "classification",
        "modality": "n/a",
        "num_channels": len(output.channels),
        "spatial_shape": list(shape[2:]),
        "dtype": "float32",
        "value_range": [0, 1] if output.kind == "probability" else [],
        "is_patch_data": False,
        "channel_def": {str(number): name for number, name in enumerate(output.channels)},
    }
