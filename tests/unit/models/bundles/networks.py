"""Small bundles made on the spot: real ONNX files that onnxruntime runs, no trained weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.bundles.bundle import Bundle, read_bundle
from models.content.package import Package, open_package, pack_up

SIDE = 32
Model = Any
"""onnx.ModelProto: the package has no types of its own."""


def metadata(**changes: object) -> dict[str, Any]:
    """What ``configs/metadata.json`` of :func:`two_maps` says; ``changes`` replace keys, None removes one."""
    made: dict[str, Any] = {
        "version": "0.1.0",
        "monai_version": "1.6.1",
        "pytorch_version": "2.13.0",
        "numpy_version": "2.4.6",
        "required_packages_version": {"onnxruntime": "1.23"},
        "task": "Find what is bright",
        "description": "A network of two operators for tests.",
        "authors": "qcbox",
        "copyright": "Apache-2.0",
        "network_data_format": {
            "inputs": {"image": tensor(1, ["film"])},
            "outputs": {"maps": tensor(2, ["bright", "dark"]), "mean": tensor(1, ["brightness"], spatial=[])},
        },
    }
    made |= changes
    return {key: value for key, value in made.items() if value is not None}


def tensor(channels: int, names: list[str], spatial: list[int | str] | None = None) -> dict[str, object]:
    return {
        "type": "image",
        "format": "magnitude",
        "num_channels": channels,
        "spatial_shape": [SIDE, SIDE] if spatial is None else spatial,
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": False,
        "channel_def": {str(number): name for number, name in enumerate(names)},
    }


def two_maps(names: tuple[str, str, str] = ("image", "maps", "mean")) -> Model:
    """image (n, 1, 32, 32) to maps (bright, dark = 1 - bright) and mean (n, 1)."""
    image, maps, mean = names
    weights = np.array([1, -1], np.float32).reshape(2, 1, 1, 1)
    nodes = [
        helper.make_node("Conv", [image, "weights", "bias"], [maps]),
        helper.make_node("GlobalAveragePool", [image], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], [mean]),
    ]
    graph = helper.make_graph(
        nodes,
        "two_maps",
        [helper.make_tensor_value_info(image, TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [
            helper.make_tensor_value_info(maps, TensorProto.FLOAT, ["n", 2, SIDE, SIDE]),
            helper.make_tensor_value_info(mean, TensorProto.FLOAT, ["n", 1]),
        ],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([0, 1], np.float32), "bias"),
        ],
    )
    return finished(graph)


def finished(graph: Model, domains: tuple[str, ...] = ("",)) -> Model:
    opsets = [helper.make_opsetid(domain, 17 if not domain else 1) for domain in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def write(folder: Path, model: Model | None = None, described: dict[str, Any] | None = None) -> Path:
    """A bundle in ``folder``; returns the folder."""
    for part in ("configs", "models"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "configs/metadata.json").write_text(json.dumps(described or metadata()), encoding="utf-8")
    (folder / "models/model.onnx").write_bytes((model or two_maps()).SerializeToString())
    return folder


def load(folder: Path) -> Bundle:
    """As the box loads it: packed up, then read from the package's bytes."""
    return read_bundle(package(folder))


def package(folder: Path) -> Package:
    return open_package(pack_up(folder, "bundle"))


def picture(seed: int = 0, count: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 1, SIDE, SIDE), np.float32)


def save_external(model: Model, path: Path) -> None:
    """The same network with its weights in a file beside it."""
    onnx.save_model(model, str(path), save_as_external_data=True, location="weights.bin", size_threshold=0)
