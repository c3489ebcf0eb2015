"""Settings of the connection to the broker and of the way results are sent."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class BrokerSettings(BaseModel):
    """Where the MQTT broker is and how to prove who we are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", title="Broker host", description="Name or address of the MQTT broker.")
    port: int = Field(1883, ge=1, le=65535, title="Broker port", description="TCP port; 8883 is usual with TLS.")
    ca_file: Path | None = Field(
        None,
        title="CA file",
        description="PEM file of the authority that signed the broker's certificate; turns TLS on.",
    )
    cert_file: Path | None = Field(
        None,
        title="Client certificate",
        description="PEM file; its common name is the name of the box. Needs CA file.",
    )
    key_file: Path | None = Field(
        None, title="Client key", description="PEM file of the client certificate's key."
    )
    keepalive_s: int = Field(
        30,
        ge=5,
        le=600,
        title="Keep-alive",
        description="Seconds of silence after which the broker is asked for life.",
    )
    connect_timeout_s: float = Field(
        10, gt=0, le=120, title="Connect timeout", description="Seconds to wait for the broker to accept."
    )
    reconnect_first_s: float = Field(
        1,
        gt=0,
        le=60,
        title="First reconnect delay",
        description="Seconds; doubles with every failure, plus up to half.",
    )
    reconnect_most_s: float = Field(
        60, gt=0, le=3600, title="Longest reconnect delay", description="Seconds; the doubling stops here."
    )

    @model_validator(mode="after")
    def _certificate_is_whole(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None) or (self.cert_file and not self.ca_file):
            raise ValueError("cert_file and key_file go together, and need ca_file")
        return self


class LinkSettings(BrokerSettings):
    """How the box sends its results to the centre."""

    enabled: bool = Field(
        True, title="Send results", description="Off: results stay in the outbox, nothing leaves."
    )
    window: int = Field(
        50,
        ge=1,
        le=500,
        title="Window",
        description="Most results on their way at once; the broker may ask for fewer.",
    )
    window_bytes: int = Field(
        1024 * 1024, ge=131072, title="Window in bytes", description="Most bytes on their way at once."
    )
    backlog_share: float = Field(
        0.2,
        ge=0.05,
        le=0.95,
        title="Backlog share",
        description="Part of the window kept for old results, 0 to 1.",
    )
    ack_timeout_s: float = Field(
        30, gt=0, le=600, title="Acknowledgement timeout",
        description="Seconds until a result that the centre has not acknowledged is sent again; doubles.",
    )  # fmt: skip
    ack_timeout_most_s: float = Field(
        600,
        gt=0,
        le=86400,
        title="Longest acknowledgement timeout",
        description="Seconds; the doubling stops here.",
    )
    drain_delay_s: float = Field(
        60, ge=0, le=3600, title="Longest drain delay",
        description="Old results start after a random part of this many seconds: not all boxes at once.",
    )  # fmt: skip
    metrics_s: float = Field(
        60,
        ge=1,
        le=3600,
        title="Metrics interval",
        description="Seconds between two reports of queue depth and age.",
    )
