"""The centre's settings: one TOML file, environment variables ``QCBOX_CENTRAL_...`` over it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.enrolment.settings import EnrolmentSettings
from cloud_sync.central.rollout.settings import RolloutSettings
from cloud_sync.central.signing.settings import PublishingSettings
from cloud_sync.link.settings import BrokerSettings


class IngestSettings(BaseModel):
    """How results are taken in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str = Field(
        "qcbox-centre", pattern=r"^[a-z0-9-]{1,64}$", title="Client name",
        description="Name of the centre at the broker; with TLS also the common name of its certificate.",
    )  # fmt: skip
    batch_most: int = Field(500, ge=1, le=500, title="Batch size", description="Most messages in one transaction.")
    batch_ms: float = Field(
        10, ge=0, le=1000, title="Batch time", description="Milliseconds to wait for more before a transaction."
    )
    gap_patience_s: float = Field(
        3600, ge=1, title="Gap patience",
        description="Seconds that numbers may be missing, while the box is online, until it is asked for them.",
    )  # fmt: skip
    gap_look_s: float = Field(60, gt=0, title="Gap interval", description="Seconds between two looks for gaps.")


class PortalSettings(BaseModel):
    """The centre's pages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", title="Address", description="Address to listen on.")
    port: int = Field(8090, ge=0, le=65535, title="Port", description="TCP port to listen on.")
    language: str = Field(
        "zh_CN",
        pattern=r"^(zh_CN|en)$",
        title="Language",
        description="zh_CN or en, when the browser does not say.",
    )
    timezone: str = Field("Asia/Shanghai", title="Time zone", description="IANA zone in which pages show times.")
    session_hours: float = Field(
        12, gt=0, le=720, title="Session length", description="Hours until one has to log in again."
    )
    secure_cookie: bool = Field(
        False, title="Secure cookie", description="On when pages are served through TLS: the cookie then needs it."
    )

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("not an IANA time zone") from None
        return value


class CentralSettings(BaseSettings):
    """Everything the centre can be told."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="QCBOX_CENTRAL_", env_nested_delimiter="__"
    )

    version: int = Field(1, ge=1, le=1, title="Version", description="Of this file's format.")
    database_url: str = Field(
        "sqlite:///central.db", title="Database", description="sqlite:////path/file.db or postgresql+psycopg://..."
    )
    log_level: str = Field(
        "info",
        pattern=r"^(debug|info|warning|error)$",
        title="Log level",
        description="debug, info, warning, error.",
    )
    broker: BrokerSettings = Field(BrokerSettings(), title="Broker", description="The MQTT broker.")
    ingest: IngestSettings = Field(IngestSettings(), title="Ingest", description="How results are taken in.")
    portal: PortalSettings = Field(PortalSettings(), title="Portal", description="The centre's pages.")
    rollout: RolloutSettings = Field(
        RolloutSettings(), title="Rollout", description="How releases go to the boxes."
    )
    publishing: PublishingSettings = Field(
        PublishingSettings(), title="Publishing", description="Signed content that the centre offers to boxes."
    )
    enrolment: EnrolmentSettings = Field(
        EnrolmentSettings(), title="Enrolment", description="How boxes get their certificates."
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """The environment over the file, and nothing else."""
        return env_settings, init_settings


def load(path: Path | None) -> CentralSettings:
    """The settings of a file (or the defaults), environment over it.

    Raises:
        Misuse: the file cannot be read, is not TOML, or has an unknown key or a wrong value.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            raise Misuse(
                "config.unreadable",
                Bilingual(f"读不了配置文件 {path}", f"The configuration file {path} cannot be read"),
                Bilingual("检查路径和权限", "Check its path and its permissions"),
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise Misuse(
                "config.syntax",
                Bilingual(f"配置文件 {path} 不是有效的 TOML", f"The configuration file {path} is not valid TOML"),
                Bilingual(f"检查：{error}", f"Look here: {error}"),
            ) from None
    try:
        return CentralSettings(**values)
    except ValidationError as error:
        found = error.errors(include_input=False)
        places = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
        raise Misuse(
            "config.value",
            Bilingual("配置中有未知的键或错误的值", "The configuration has an unknown key or a wrong value"),
            Bilingual(places, places),
        ) from None
