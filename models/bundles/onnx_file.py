"""What an ONNX file asks for beyond itself: files beside it, or operators that this box does not have.

onnxruntime reads external tensors from wherever a path in the file points to, so the file is looked
through before onnxruntime sees it. The wire format is protocol buffers' (protobuf.dev, Encoding);
field numbers are those of ``onnx.proto`` (ONNX IR specification).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from capture.errors import Misuse
from capture.text import Bilingual

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Operator sets that a network may use; others are programs of their own."""
_DEEPEST = 32
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Message fields that are worth looking into: message -> field number -> message inside.
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_NODE_OPERATOR, _NODE_DOMAIN, _TENSOR_EXTERNAL, _TENSOR_LOCATION, _EXTERNAL = 4, 7, 13, 14, 1


@dataclass(slots=True)
class Contents:
    """What was found."""

    nodes: int = 0
    external: bool = False
    """Some tensor lies in another file."""
    foreign: set[str] = field(default_factory=set)
    """Operators of other domains, ``domain:operator``."""


def check_contents(content: bytes, where: str) -> None:
    """Refuse a network that needs more than this file and the standard operators; ``where`` begins the text.

    Raises:
        Misuse: not an ONNX file, external tensors, or operators of other domains.
    """
    found = Contents()
    try:
        _look(memoryview(content), "model", found, 0)
    except (IndexError, ValueError, UnicodeDecodeError):
        found.nodes = 0
    if not found.nodes:
        raise _refused("bundle.onnx", where, "不是 ONNX 文件", "not an ONNX file")
    if found.external:
        raise _refused(
            "bundle.external",
            where,
            "权重存于其他文件（external data）",
            "its weights are in another file (external data)",
        )
    if found.foreign:
        names = ", ".join(sorted(found.foreign)[:3])
        raise _refused(
            "bundle.operators",
            where,
            f"使用了非标准算子：{names}",
            f"it uses operators that are not standard: {names}",
        )


def _look(message: memoryview, kind: str, found: Contents, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    domain, operator = "", ""
    for number, value in _fields(message):
        inner = _INSIDE[kind].get(number)
        if inner and isinstance(value, memoryview):
            _look(value, inner, found, depth + 1)
        elif kind == "tensor" and (number == _TENSOR_EXTERNAL or (number, value) == (_TENSOR_LOCATION, _EXTERNAL)):
            found.external = True
        elif kind == "node" and isinstance(value, memoryview):
            if number == _NODE_DOMAIN:
                domain = str(value, "utf-8")
            elif number == _NODE_OPERATOR:
                operator = str(value, "utf-8")
    if kind == "node":
        found.nodes += 1
        if domain not in DOMAINS:
            found.foreign.add(f"{domain}:{operator}")


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers with their varints or bytes.

    Raises:
        ValueError, IndexError: not protocol buffers.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif wire == _BYTES:
            length, at = _varint(message, at)
            if length > len(message) - at:
                raise ValueError("runs over its end")
            yield number, message[at : at + length]
            at += length
        elif wire in (_FIXED64, _FIXED32):
            at += 8 if wire == _FIXED64 else 4
        else:
            raise ValueError("unknown wire type")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("varint too long")


def _refused(code: str, where: str, zh: str, en: str) -> Misuse:
    return Misuse(
        code,
        Bilingual(f"{where}：{zh}", f"{where}: {en}"),
        Bilingual(
            "导出为单个 ONNX 文件，只用标准算子（见手册“网络包”）",
            "Export one ONNX file with standard operators only (handbook, page on bundles)",
        ),
    )
