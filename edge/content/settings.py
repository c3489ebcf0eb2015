"""Settings of signed content."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ContentSettings(BaseModel):
    """Signed rule packs and networks of the QC group: how they come, and when a release is taken back."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    ways: tuple[Literal["https", "mqtt", "folder"], ...] = Field(
        ("https", "mqtt", "folder"),
        title="Ways",
        description="How releases come, in the order in which they are tried; those not set up are passed over",
    )
    repository: str = Field(
        "", title="Repository", description="Address of the centre's repository, https://...; empty: none"
    )
    ca_file: Path | None = Field(
        None, title="CA file", description="PEM file of who signs the repository's server; none: that of the link"
    )
    proxy: SecretStr | None = Field(None, title="Proxy", description="Address of a proxy to the repository")
    folder: Path | None = Field(
        None, title="Folder", description="A repository as a folder: a mirror in the hospital, or a USB stick"
    )
    groups: tuple[str, ...] = Field(
        (), title="Groups", description="Groups of boxes that this one is in; none: those that the centre says"
    )
    modalities: tuple[str, ...] = Field(
        (), title="Modalities", description="DICOM modalities that releases are taken for; none: all"
    )
    check_minutes: float = Field(
        60, gt=0, title="Check", description="Minutes between two looks at what is signed and what was withdrawn"
    )
    retry_s: float = Field(
        5, gt=0, le=600, title="Retry", description="Seconds until what failed is tried again; doubles up to 600"
    )
    tries: int = Field(
        3, ge=1, title="Tries", description="How often a release may come in another form than signed"
    )
    selftest_s: float = Field(
        120, gt=0, title="Self-test", description="Seconds of processor time that a self-test may take"
    )
    selftest_mb: int = Field(
        1024, ge=128, title="Memory of a self-test", description="MB of memory that a self-test may take"
    )
    crashes: int = Field(
        3, ge=1, title="Crashes", description="Crashes in ten minutes after which a release is taken back"
    )
    error_rate: float = Field(
        0.01,
        gt=0,
        lt=1,
        title="Errors",
        description="Share of images with failed measures from which it goes, 0 to 1",
    )
    latency_s: float = Field(
        5, gt=0, title="Time to judge", description="Seconds that 95 % of images may take at most in a worker"
    )
    alert_factor: float = Field(
        3, gt=1, title="Alerts", description="How many times more, or fewer, alerts than in the week before"
    )
    least_images: int = Field(
        20, ge=1, title="Least images", description="Images needed before rates of errors, times and alerts count"
    )
