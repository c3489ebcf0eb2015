"""Where the centre keeps what it publishes."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class PublishingSettings(BaseModel):
    """Signed content that the centre offers to boxes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: Path = Field(
        Path("repository"), title="Repository", description="Folder of the signed metadata and the packages."
    )
    keys: Path = Field(
        Path("keys"),
        title="Keys",
        description="Folder of the encrypted key files of those who sign at the centre.",
    )
    online_key: str = Field(
        "online", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", title="Online key",
        description="Name of the key in that folder which signs snapshot and timestamp by itself.",
    )  # fmt: skip
    online_passphrase: Path | None = Field(
        None, title="Passphrase of the online key",
        description="File that holds it, best a systemd credential; unset: nothing is published or re-signed.",
    )  # fmt: skip
    refresh_hours: float = Field(
        24, gt=0, le=168, title="Re-signing", description="Hours after which the timestamp is signed anew."
    )
