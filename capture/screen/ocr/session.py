"""onnxruntime for the readers: the one file of this package that knows it. One thread, loaded at the first use."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture.errors import Misuse
from capture.text import Bilingual

if TYPE_CHECKING:
    import onnxruntime

Array = NDArray[np.float32]
_QUIET = 4
"""onnxruntime's log level ``fatal``: what goes wrong is raised, and a line of its could quote anything."""


class Session:
    """One network with one input and one output."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._making = threading.Lock()
        self._made: onnxruntime.InferenceSession | None = None

    def run(self, batch: Array) -> Array:
        """The network's output for ``batch`` (n, 3, rows, columns)."""
        session = self._session()
        (found,) = session.run(None, {session.get_inputs()[0].name: batch})
        return np.asarray(found, np.float32)

    def stated(self, key: str) -> str:
        """A text of the file's own metadata; "" when it has none of that name."""
        return str(self._session().get_modelmeta().custom_metadata_map.get(key, ""))

    def _session(self) -> onnxruntime.InferenceSession:
        with self._making:
            if self._made is None:
                self._made = _make(self._path)
            return self._made


def _make(path: Path) -> onnxruntime.InferenceSession:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    options = onnxruntime.SessionOptions()
    # The same as models.bundles.session, for the same reasons: two threads were slower on a busy box of two cores,
    # spinning takes the core from the workers, and memory goes back after each run.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _QUIET
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (
        state.Fail,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
    ) as error:
        raise Misuse(
            "ocr.unusable",
            Bilingual(
                f"文字识别模型 {path.name} 无法加载（onnxruntime：{type(error).__name__}）",
                f"the text model {path.name} does not load (onnxruntime: {type(error).__name__})",
            ),
            Bilingual(
                "重新安装 deploy/lock/ocr.txt 中的软件包", "Install the packages of deploy/lock/ocr.txt again"
            ),
        ) from None
