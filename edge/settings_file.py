"""Reads the appliance's configuration: one TOML file, environment for overrides, a folder of secrets.

What is wrong with them is said in words, and never quoted.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
)

from capture.errors import Misuse
from capture.text import Bilingual
from edge.enrol.given import enrolled
from edge.settings import PREFIX, Settings


def load(path: Path | None, *, alone: bool = False) -> Settings:
    """Settings from the file (if one is named), overridden by secrets, overridden by the environment.

    What the centre said at the enrolment (name, broker, certificate) stands in where none of them says anything;
    ``alone``: not even that, for who is about to enrol.

    Secrets are files named like ``link__password``: in systemd's credentials directory, else in
    ``secrets/`` beside the file.

    Raises:
        Misuse: the file is missing or no TOML, a key is unknown (the hint names the nearest one),
            or a value does not fit. Values are never quoted.
    """
    tree = _toml(path)
    _refuse_unknown_environment()
    try:
        told = _source_class(tree, path)()
        given = {} if alone else enrolled(told.enrolment_path)
        return _source_class(tree, path, given)() if given else told
    except ValidationError as error:
        raise _misuse(error) from None


def _toml(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        text = Bilingual("配置文件无法读取", "The configuration file cannot be read")
        raise Misuse("config.unreadable", text, _where(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        text = Bilingual("配置文件不是合法的 TOML", "The configuration file is not valid TOML")
        raise Misuse("config.toml", text, _where(path)) from error


def _where(path: Path) -> Bilingual:
    return Bilingual(f"检查文件 {path}", f"Look at {path}")


def _source_class(
    tree: dict[str, object], path: Path | None, given: dict[str, object] | None = None
) -> type[Settings]:
    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            folder, prefix = _secrets(path)
            secrets = NestedSecretsSettingsSource(
                file_secret_settings,
                secrets_dir=folder,
                secrets_dir_missing="ok",
                secrets_prefix=prefix,
                secrets_nested_delimiter="__",
            )
            file = InitSettingsSource(settings_cls, tree)
            return env_settings, secrets, file, InitSettingsSource(settings_cls, given or {})

    return FromFile


def _secrets(path: Path | None) -> tuple[Path | None, str]:
    """systemd's ``LoadCredential=secrets:FOLDER`` prefixes each file with ``secrets_``."""
    if credentials := os.environ.get("CREDENTIALS_DIRECTORY"):
        return Path(credentials), "secrets_"
    return (path.parent / "secrets", "") if path else (None, "")


def _refuse_unknown_environment() -> None:
    """A misspelt ``QCBOX_STIE__NAME`` would be ignored in silence. ``QCBOX_CENTRAL_...`` is the centre's."""
    for name in os.environ:
        first, nested, _ = name.removeprefix(PREFIX).lower().partition("__")
        ours = name.startswith(PREFIX) and not name.startswith(f"{PREFIX}CENTRAL_")
        if ours and nested and first not in Settings.model_fields:
            raise Misuse("config.unknown_key", _unknown(name), _nearest(first, list(Settings.model_fields)))


def _misuse(error: ValidationError) -> Misuse:
    first = error.errors(include_input=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        siblings = list(_model_at(first["loc"][:-1]).model_fields)
        return Misuse("config.unknown_key", _unknown(key), _nearest(str(first["loc"][-1]), siblings))
    text = Bilingual(f"配置项 {key} 的值不合要求", f"The value of {key} does not fit")
    return Misuse("config.value", text, Bilingual(str(first["msg"]), str(first["msg"])))


def _unknown(key: str) -> Bilingual:
    return Bilingual(f"没有名为 {key} 的配置项", f"There is no setting {key}")


def _nearest(key: str, known: list[str]) -> Bilingual:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        return Bilingual(f"是否应为 {near[0]}", f"Did you mean {near[0]}?")
    return Bilingual("可用的有：" + "、".join(known), "There are: " + ", ".join(known))


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    """The section that a pydantic location points into."""
    found: type[BaseModel] = Settings
    for part in location:
        field = found.model_fields.get(str(part))
        found = (section_of(field.annotation) if field else None) or found
    return found


def section_of(annotation: object) -> type[BaseModel] | None:
    """The section class inside an annotation such as ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = getattr(annotation, "__args__", ())
    return next((found for arg in inner if (found := section_of(arg))), None)
