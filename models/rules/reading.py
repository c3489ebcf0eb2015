"""The files of a rule pack, read: TOML in UTF-8, of the right shape. Nothing is compiled here."""

from __future__ import annotations

import tomllib
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from capture.text import Bilingual
from models.rules import toml
from models.rules.problem import misuse
from models.rules.schema import CasesFile, PackFile, RulesFile

HEAD, RULES, CASES = "pack.toml", "rules.toml", "cases.toml"
_LARGEST = 2_000_000
_File = TypeVar("_File", bound=BaseModel)


def read_head(content: bytes, where: str) -> PackFile:
    """``pack.toml``. ``where``: what error texts begin with. Raises Misuse ``pack.*``, as the others."""
    return _read(PackFile, content, f"{where}/{HEAD}")


def read_rules(content: bytes, where: str) -> RulesFile:
    """``rules.toml``."""
    return _read(RulesFile, content, f"{where}/{RULES}")


def read_cases(content: bytes, where: str) -> CasesFile:
    """``cases.toml``."""
    return _read(CasesFile, content, f"{where}/{CASES}")


def _read(shape: type[_File], content: bytes, where: str) -> _File:
    try:
        return shape.model_validate(_toml(content, where))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise misuse(
            "pack.shape",
            f"{where}: {place}: ",
            Bilingual(f"不合规定：{first['msg']}", first["msg"]),
            Bilingual("见手册“规则”一页的格式", "see the format in the handbook's page on rules"),
        ) from None


def _toml(content: bytes, where: str) -> dict[str, object]:
    if len(content) > _LARGEST:
        raise misuse(
            "pack.size",
            f"{where}: ",
            Bilingual("文件过大", "the file is too large"),
            Bilingual("规则包的文件不超过 2 MB", "a pack's file is 2 MB at most"),
        )
    try:
        return toml.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        complaint = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise misuse(
            "pack.file",
            f"{where}: ",
            Bilingual(f"无法读取：{complaint}", f"cannot be read: {complaint}"),
            Bilingual(
                "规则包含 pack.toml、rules.toml、cases.toml，均为 UTF-8 的 TOML",
                "a pack has pack.toml, rules.toml and cases.toml, each TOML in UTF-8",
            ),
        ) from None
