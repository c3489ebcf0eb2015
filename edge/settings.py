"""The appliance's configuration, as values; :mod:`edge.settings_file` reads them.

Each room keeps its own section beside its code; this file only composes them. Thresholds of image quality are not
here: they live in rule packs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from capture.dicom.settings import DicomSettings, WorklistSettings
from capture.folder import FolderSettings
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.settings import ScreenSettings
from capture.spool import SpoolSettings
from cloud_sync.link.settings import LinkSettings
from edge.console.settings import ConsoleSettings
from edge.content.settings import ContentSettings
from edge.forward.settings import ForwardSettings
from edge.hands.settings import HandSettings

PREFIX = "QCBOX_"


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not an IANA time zone")
    return ZoneInfo(name).key


_Named = TypeVar("_Named", ScreenSettings, HandSettings)


def _named_once(listed: tuple[_Named, ...]) -> tuple[_Named, ...]:
    if len({one.name for one in listed}) != len(listed):
        raise ValueError("two have the same name")
    return listed


class Section(BaseModel):
    """Base of the sections that belong to the appliance itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SharedMarkSettings(Section):
    """Where this site puts the mark of mutual recognition."""

    keyword_or_tag: str = Field(title="Element", description="DICOM keyword, or a private tag as GGGGEEEE")
    pattern: str = Field(title="Pattern", description="Regular expression (RE2 syntax) the value must contain")


class SiteSettings(Section):
    """The hospital this box stands in."""

    name: str = Field("", title="Site", description="Short name of the site, shown on the console")
    institution: str = Field(
        "", title="Institution", description="Expected InstitutionName; empty: any name is accepted"
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "Asia/Shanghai", title="Time zone", description="IANA zone of DICOM times that carry no offset"
    )
    default_charset: str = Field(
        "GB18030",
        title="Character set",
        description="Used where an object's SpecificCharacterSet is missing or wrong",
    )
    shared_mark: SharedMarkSettings | None = Field(
        None,
        title="Shared mark",
        description="Place and pattern of the mutual-recognition mark; none: not checked",
    )
    pseudonym_key: SecretStr | None = Field(
        None,
        title="Pseudonym key",
        description="Secret of the site that pseudonyms are keyed with; none: made at first start",
    )


class RetentionSettings(Section):
    """How long files stay. Verdicts, measurements and decisions always stay."""

    days: int = Field(30, ge=1, title="Days", description="Age in days after which image files are removed")
    max_gb: float = Field(
        200, gt=0, title="Space", description="GB that image files may take before the oldest go"
    )
    sweep_minutes: float = Field(10, gt=0, title="Sweep", description="Minutes between two sweeps")


class WorkerSettings(Section):
    """The processes that read and measure images."""

    count: int = Field(
        default_factory=lambda: max(2, (os.cpu_count() or 1) - 1),
        ge=1,
        le=64,
        title="Workers",
        description="Processes; default: cores - 1, at least 2 (what hangs holds one until its time limit)",
    )
    seconds: float = Field(10, gt=0, title="Time limit", description="Seconds one case may take in a worker")
    memory_mb: int = Field(1024, ge=256, title="Memory limit", description="MB of memory one worker may take")
    recycle_after: int = Field(
        1000, ge=1, title="Recycling", description="Cases after which a worker is replaced by a fresh one"
    )


class SetSettings(Section):
    """When a series or study is judged, where nothing better tells that it is whole."""

    quiet_s: float = Field(
        15,
        gt=0,
        le=600,
        title="Quiet time of a series",
        description="Seconds without a new image after which a series is judged",
    )
    study_quiet_s: float = Field(
        300,
        gt=0,
        le=3600,
        title="Quiet time of a study",
        description="Seconds without a new image after which a study is judged, once all its series are",
    )
    devices: dict[str, float] = Field(
        {},
        title="Quiet time of a device",
        description="Seconds for the series of one device, by the AE title it calls with",
    )
    seconds: float = Field(60, gt=0, title="Time limit", description="Seconds one set may take in a worker")
    together: int = Field(
        16, ge=1, le=64, title="Together", description="Slices that one worker reads in one go when many wait"
    )


class Settings(BaseSettings):
    """Everything a qcbox can be told."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    version: Literal[1] = Field(1, title="Version", description="Version of this file's layout")
    box: str = Field(
        "box",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        title="Box",
        description="Name of this box at the centre, unique among all boxes: a-z, 0-9 and -",
    )
    data_dir: Path = Field(
        Path("/var/lib/qcbox"), title="Folder", description="Where the database and the image files are"
    )
    site: SiteSettings = Field(SiteSettings(), title="Site", description="The hospital this box stands in")
    spool: SpoolSettings = Field(SpoolSettings(), title="Spool", description="Where received objects wait")
    dicom: DicomSettings = Field(DicomSettings(), title="DICOM port", description="The receiver")
    worklist: WorklistSettings = Field(
        WorklistSettings(), title="Worklist", description="The orders that images are compared with"
    )
    forward: ForwardSettings = Field(
        ForwardSettings(), title="Forward", description="Archives, RIS and devices that hear what came"
    )
    folder: FolderSettings = Field(FolderSettings(), title="Watched folder", description="A second way in")
    reading: ReadingSettings = Field(
        ReadingSettings(), title="Reading", description="How the fields of screens are read"
    )
    screens: Annotated[tuple[ScreenSettings, ...], AfterValidator(_named_once)] = Field(
        (), title="Screens", description="Consoles without an interface, watched by their picture"
    )
    hands: Annotated[tuple[HandSettings, ...], AfterValidator(_named_once)] = Field(
        (), title="Hands", description="Closed consoles that an engineer may try taught sequences on"
    )
    workers: WorkerSettings = Field(WorkerSettings(), title="Workers", description="Processes that judge")
    sets: SetSettings = Field(SetSettings(), title="Series and studies", description="When they are judged")
    content: ContentSettings = Field(
        ContentSettings(), title="Content", description="Signed rule packs and networks of the QC group"
    )
    retention: RetentionSettings = Field(RetentionSettings(), title="Retention", description="How long files stay")
    console: ConsoleSettings = Field(
        ConsoleSettings(), title="Console", description="The page of the technologist"
    )
    link: LinkSettings = Field(
        LinkSettings(enabled=False),
        title="Link",
        description="The way to the centre; off while nobody says anything",
    )

    @property
    def database_path(self) -> Path:
        """The database file."""
        return self.data_dir / "qcbox.db"

    @property
    def spool_path(self) -> Path:
        """Where receivers put what they took, and intake finds it."""
        return self.data_dir / "spool"

    @property
    def screens_path(self) -> Path:
        """Templates of screens, and what the process of each screen says and shows."""
        return self.data_dir / "screens"

    @property
    def hands_path(self) -> Path:
        """Taught sequences, and the journals of their runs."""
        return self.data_dir / "hands"

    @property
    def wishes_path(self) -> Path:
        """A file that is there while a person wants what was refused to be sent again."""
        return self.data_dir / "forward.again"

    @property
    def content_path(self) -> Path:
        """Packages of signed content, and what is believed of them."""
        return self.data_dir / "content"

    @property
    def enrolment_path(self) -> Path:
        """What the centre gave this box: certificate, authorities, addresses."""
        return self.data_dir / "enrolment"

    @property
    def blobs_path(self) -> Path:
        """Image files and previews by content hash."""
        return self.data_dir / "blobs"
