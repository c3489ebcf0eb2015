"""onnxruntime behind one small door: made once, one thread, inputs and outputs checked against the metadata."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.metadata import DataFormat, Tensor

if TYPE_CHECKING:
    import onnxruntime

Array = NDArray[np.float32]
_QUIET = 4
"""onnxruntime's log level ``fatal``: what goes wrong is raised, and a log line of its could quote anything."""


class Session:
    """Runs one network. Nothing is loaded before the first :meth:`run`."""

    def __init__(self, name: str, form: DataFormat, content: bytes) -> None:
        """``content``: the ONNX file, already looked through. Let go when the network is loaded."""
        self._name = name
        self._form = form
        self._content = content
        self._making = threading.Lock()
        self._made: onnxruntime.InferenceSession | None = None
        self._inputs: dict[str, str] = {}
        self._outputs: dict[str, str] = {}

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Named float32 arrays (n, channels, ...) in, named float32 arrays out.

        Raises:
            Misuse: the network does not load, an input does not fit the metadata, or an output does not.
        """
        _fits_names(self._name, inputs, self._form.inputs)
        for name, array in inputs.items():
            _fits(self._name, f"input {name}", array, self._form.inputs[name])
        session = self._session()
        feed = {self._inputs[name]: array for name, array in inputs.items()}
        names = list(self._form.outputs)
        with _Refusals(self._name):
            found = session.run([self._outputs[name] for name in names], feed)
        count = next(iter(inputs.values())).shape[0]
        return {name: self._checked(name, array, count) for name, array in zip(names, found, strict=True)}

    def blank(self) -> dict[str, Array]:
        """Zeros of the right shape, to run the network once before the first image; sides that may vary get 64."""
        shapes = {
            name: (
                1,
                tensor.num_channels,
                *(side if isinstance(side, int) else 64 for side in tensor.spatial_shape),
            )
            for name, tensor in self._form.inputs.items()
        }
        return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}

    def _checked(self, name: str, array: object, count: int) -> Array:
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise _unfit(self._name, f"output {name}", "不是数值数组", "is not an array of numbers")
        given = np.ascontiguousarray(array, dtype=np.float32)
        _fits(self._name, f"output {name}", given, self._form.outputs[name], count)
        return given

    def _session(self) -> onnxruntime.InferenceSession:
        with self._making:
            if self._made is None:
                made = _make(self._name, self._content)
                self._inputs = _paired(
                    self._name, list(self._form.inputs), [one.name for one in made.get_inputs()]
                )
                self._outputs = _paired(
                    self._name, list(self._form.outputs), [one.name for one in made.get_outputs()]
                )
                self._made, self._content = made, b""
            return self._made


def _make(name: str, content: bytes) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Two threads were slower than one on a busy box, and spinning takes the core from the other workers
    # (design, ml.md 2 and image-qc.md 7).
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # Memory goes back after each run instead of staying in a pool of the largest run so far.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _QUIET
    with _Refusals(name):
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class _Refusals:
    """Turns what onnxruntime raises into ours; its own text may hold anything and is left out."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        theirs = (
            state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NoModel,
            state.NotImplemented, state.RuntimeException, state.EPFail,
        )  # fmt: skip
        if kind is not None and issubclass(kind, theirs):
            raise Misuse(
                "bundle.runtime",
                Bilingual(
                    f"网络 {self._name} 无法运行（onnxruntime：{kind.__name__}）",
                    f"network {self._name} does not run (onnxruntime: {kind.__name__})",
                ),
                Bilingual(
                    "用 qcbox bundles check 检查；算子集（opset）可能过新",
                    "Look with qcbox bundles check; its opset may be too new",
                ),
            ) from None


def _paired(bundle: str, stated: list[str], there: list[str]) -> dict[str, str]:
    """Metadata's names to the file's: the same names, else by position where the count is the same."""
    if set(stated) <= set(there):
        return {name: name for name in stated}
    if len(stated) == len(there):
        return dict(zip(stated, there, strict=True))
    raise _unfit(
        bundle,
        "network_data_format",
        f"与 ONNX 的输入输出不符：{', '.join(there)}",
        f"does not match the ONNX file's {', '.join(there)}",
    )


def _fits_names(bundle: str, given: Mapping[str, Array], wanted: Mapping[str, Tensor]) -> None:
    if given.keys() != wanted.keys():
        names = ", ".join(wanted)
        raise _unfit(bundle, "inputs", f"应为 {names}", f"must be {names}")


def _fits(bundle: str, what: str, array: Array, tensor: Tensor, count: int | None = None) -> None:
    """Shape, dtype and finite. A row (n, channels) fits whatever shape the metadata gives it."""
    shape = (count or "n", tensor.num_channels, *tensor.spatial_shape)
    if array.dtype != np.float32:
        raise _unfit(bundle, what, f"应为 float32，实为 {array.dtype}", f"must be float32, is {array.dtype}")
    is_row = count is not None and array.ndim == 2 and array.shape == (count, tensor.num_channels)
    agrees = len(shape) == array.ndim and all(
        wanted == length for wanted, length in zip(shape, array.shape, strict=True) if isinstance(wanted, int)
    )
    if not (is_row or agrees) or not array.size:
        stated = ", ".join(map(str, shape))
        raise _unfit(
            bundle, what, f"应为 ({stated})，实为 {array.shape}", f"must have shape ({stated}), has {array.shape}"
        )
    if not np.isfinite(array).all():
        raise _unfit(bundle, what, "含有无穷或非数值", "holds numbers that are not finite")


def _unfit(bundle: str, what: str, zh: str, en: str) -> Misuse:
    return Misuse(
        "bundle.unfit",
        Bilingual(f"网络 {bundle}：{what} {zh}", f"network {bundle}: {what} {en}"),
        Bilingual(
            "核对 configs/metadata.json 的 network_data_format",
            "Compare network_data_format in configs/metadata.json",
        ),
    )
