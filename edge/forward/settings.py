"""Where images go on to, who hears of performed steps, who commits."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from capture.arrival import Kind
from capture.dicom.settings import AETitle, Callee

_STRICT = ConfigDict(frozen=True, extra="forbid")


class Destination(Callee):
    """One archive or workstation that images go to."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        title="Name",
        description="Of its queue: a-z, 0-9 and -; another name is another queue.",
    )
    devices: tuple[AETitle, ...] = Field(
        (), title="Devices", description="AE titles of devices whose images go there; empty: all."
    )
    modalities: tuple[str, ...] = Field(
        (), title="Modalities", description="DICOM modalities of what goes there; empty: all."
    )


class ForwardSettings(BaseModel):
    """Store and forward: images go on, byte for byte as they came; so does what devices say of them."""

    model_config = _STRICT

    destinations: tuple[Destination, ...] = Field(
        (), title="Destinations", description="Each has a queue of its own; one that is away holds up no other."
    )
    retry_s: float = Field(
        5.0,
        gt=0,
        le=600,
        title="Retry",
        description="Seconds until what failed is tried again; doubles up to 600.",
    )
    tries: int = Field(
        10,
        ge=1,
        title="Tries",
        description="How often one thing may be refused; who is away or full is waited for.",
    )
    ris: Callee | None = Field(
        None, title="RIS", description="Who hears of performed procedure steps (MPPS); unset: nobody."
    )
    archive: str = Field(
        "",
        title="Archive",
        description="Name of the destination that commits to keep images; empty: no commitment is relayed.",
    )
    devices: tuple[Callee, ...] = Field(
        (),
        title="Devices",
        description="Where devices hear what the archive keeps; requests of others are not granted.",
    )
    ask_again_s: float = Field(
        3600.0,
        gt=0,
        title="Ask again",
        description="Seconds until an archive that has not said what it keeps is asked again; as long at most, a"
        " request waits for other devices' images.",
    )
    give_up_hours: float = Field(
        72.0,
        gt=0,
        title="Give up",
        description="Hours without a commitment after which the device is told that nothing is kept; given up"
        " when it cannot be told for as long again.",
    )

    @property
    def committing(self) -> Destination | None:
        """The archive that commits."""
        return next((one for one in self.destinations if one.name == self.archive), None)

    @property
    def relayed(self) -> frozenset[tuple[Kind, str]]:
        """What of storage commitment is heeded: kind of arrival, and calling AE title."""
        archive = self.committing
        if archive is None:
            return frozenset()
        asked: set[tuple[Kind, str]] = {("commitment", one.ae_title) for one in self.devices}
        return frozenset(asked | {("committed", archive.ae_title)})

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len({one.name for one in self.destinations}) < len(self.destinations):
            raise ValueError("two destinations with one name")
        if len({one.ae_title for one in self.devices}) < len(self.devices):
            raise ValueError("two devices with one AE title")
        if self.archive and self.committing is None:
            raise ValueError("archive: no destination has this name")
        return self
