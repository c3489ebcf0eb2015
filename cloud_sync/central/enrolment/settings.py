"""Settings of the door through which boxes get their certificates."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class EnrolmentSettings(BaseModel):
    """The centre's own authority, and what it tells a box that enrols."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        False, title="Enrolment",
        description="On: the centre gives boxes their certificates. Needs qcbox-central ca init.",
    )  # fmt: skip
    folder: Path = Field(
        Path("ca"), title="Folder",
        description="Where the authority's key and certificates are; private to the centre.",
    )  # fmt: skip
    passphrase_file: Path | None = Field(
        None, title="Passphrase file",
        description="First line: passphrase of the authority's key. Empty: only the file's mode guards it.",
    )  # fmt: skip
    publish: Path = Field(
        Path("ca/broker"), title="Broker's folder",
        description="Where authorities.pem and crl.pem are written for the broker.",
    )  # fmt: skip
    reload: tuple[str, ...] = Field(
        (), title="Reload command",
        description="Command that makes the broker read crl.pem again. Empty: something else watches the file.",
    )  # fmt: skip
    host: str = Field("0.0.0.0", title="Address", description="Address to listen on.")  # noqa: S104
    port: int = Field(8443, ge=0, le=65535, title="Port", description="TCP port to listen on, always with TLS.")
    url: str = Field(
        "https://localhost:8443", title="Address for boxes",
        description="https://name:port under which boxes reach this door; its certificate has that name.",
    )  # fmt: skip
    broker_host: str = Field(
        "", title="Broker for boxes",
        description="Name under which boxes reach the broker; empty: as the centre does.",
    )  # fmt: skip
    broker_port: int = Field(8883, ge=1, le=65535, title="Broker port", description="Its port.")
    certificate_days: int = Field(
        90, ge=1, le=825, title="Life", description="Days that a box's certificate is valid."
    )
    grace_days: int = Field(
        30, ge=0, le=365, title="Grace",
        description="Days after its end in which a box may still renew with its old key.",
    )  # fmt: skip
    token_hours: float = Field(24, gt=0, le=720, title="Token", description="Hours until an unused token is void.")
    crl_days: int = Field(
        30, ge=2, le=365, title="Revocation list",
        description="Days that a list is valid; it is written anew when half of them are over.",
    )  # fmt: skip

    @field_validator("url")
    @classmethod
    def _is_https(cls, value: str) -> str:
        found = urlsplit(value)
        if found.scheme != "https" or not found.hostname or found.path not in ("", "/"):
            raise ValueError("https://name:port is needed")
        return value.rstrip("/")
