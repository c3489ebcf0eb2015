"""Settings of the console: the ``[console]`` section of qcbox.toml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ConsoleSettings(BaseModel):
    """Where the console listens and how it guards its pages."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field(
        "127.0.0.1",
        title="Address",
        description="Address to listen on; 0.0.0.0 lets the whole network in (default: loopback)",
    )
    port: int = Field(
        8080, ge=0, le=65535, title="Port", description="TCP port; 0 takes a free one (default 8080)"
    )
    language: Literal["zh_CN", "en"] = Field(
        "zh_CN", title="Language", description="Language before somebody logs in (default zh_CN)"
    )
    secure_cookies: bool = Field(
        False, title="Cookies over HTTPS only", description="Switch on where a proxy adds TLS (default off)"
    )
    login_attempts: int = Field(
        5,
        ge=1,
        le=20,
        title="Log-in attempts",
        description="Failures in a row before an account is locked (default 5)",
    )
    lock_minutes: int = Field(
        5, ge=1, le=1440, title="Lock", description="Minutes an account stays locked (default 5)"
    )
    idle_minutes: int = Field(
        15, ge=1, le=720, title="Idle lock",
        description="Minutes without a touch after which names and pictures are hidden and decisions ask for "
        "the PIN again; alerts stay visible (default 15)",
    )  # fmt: skip
    session_hours: int = Field(
        12, ge=1, le=24, title="Session", description="Hours after which a log-in ends, a long shift (default 12)"
    )
    undo_hours: int = Field(
        12,
        ge=0,
        le=24,
        title="Undo",
        description="Hours in which a decision can be taken back, the shift (default 12)",
    )
    heartbeat_seconds: float = Field(
        10, gt=0, le=60, title="Heartbeat", description="Seconds between signs of life to each page (default 10)"
    )
    contact_seconds: float = Field(
        25, gt=0, le=300, title="No contact",
        description="Seconds without a sign of life after which a page goes grey (default 25)",
    )  # fmt: skip
    recent: int = Field(
        30, ge=5, le=200, title="Recent cases", description="Cases in the list on the board (default 30)"
    )
