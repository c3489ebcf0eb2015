"""What a site decides about its DICOM port."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork, model_validator

_STRICT = ConfigDict(frozen=True, extra="forbid")


def _ae_title(value: str) -> str:
    """PS3.5 6.2, AE: at most 16 characters, no control character, no backslash; blanks around mean nothing."""
    value = value.strip(" ")
    if len(value) > 16 or "\\" in value or not (value.isascii() and value.isprintable()):
        raise ValueError("an AE title is at most 16 printable ASCII characters without a backslash")
    return value


AETitle = Annotated[str, AfterValidator(_ae_title)]


class Peer(BaseModel):
    """One device that may send."""

    model_config = _STRICT

    ae_title: AETitle = Field(
        title="Calling AE title", description="As the device sends it; empty for a blank one."
    )
    address: IPvAnyNetwork = Field(
        title="Address", description="IPv4 or IPv6 address, or a network such as 10.1.2.0/24."
    )
    label: str = Field("", title="Label", description="What people call the device, e.g. the room.")


class TlsSettings(BaseModel):
    """Encryption of the DICOM port (PS3.15 B.12: TLS 1.2 or later)."""

    model_config = _STRICT

    certificate: Path = Field(title="Certificate", description="PEM file with the box's certificate chain.")
    key: Path = Field(title="Private key", description="PEM file with the key of the certificate.")
    ca: Path | None = Field(
        None, title="Authority", description="PEM file with the authorities that sign devices."
    )
    require_client_certificate: bool = Field(
        True,
        title="Ask for a client certificate",
        description="Turn away devices without a certificate of the CA.",
    )

    @model_validator(mode="after")
    def _ca_is_there(self) -> Self:
        if self.require_client_certificate and self.ca is None:
            raise ValueError("ca: needed when a client certificate is required")
        return self


class DicomSettings(BaseModel):
    """The DICOM listener."""

    model_config = _STRICT

    ae_title: AETitle = Field("QCBOX", min_length=1, title="Own AE title", description="What devices call.")
    host: str = Field("0.0.0.0", title="Address", description="Local address to listen on; :: for IPv6 too.")  # noqa: S104
    port: int = Field(11112, ge=0, le=65535, title="Port", description="TCP port; 0 takes any free one.")
    peers: tuple[Peer, ...] = Field((), title="Device list", description="Who may send.")
    open: bool = Field(
        False,
        title="Open to all",
        description="Take objects of any device, called by any AE title. Not for a hospital network.",
    )
    accept_private_classes: bool = Field(
        True,
        title="Private SOP classes",
        description="Also take objects of SOP classes that the standard does not know.",
    )
    max_pdu: int = Field(
        131072,
        ge=4096,
        le=1 << 20,
        title="Largest PDU",
        description="Bytes of a P-DATA-TF PDU that devices may send.",
    )
    processes: int = Field(
        4,
        ge=1,
        le=16,
        title="Processes",
        description="Processes that receive; all but the first are for associations at the same time.",
    )
    max_associations: int = Field(256, ge=1, title="Associations", description="At the same time, in total.")
    max_per_address: int = Field(128, ge=1, title="Associations of one address", description="At the same time.")
    first_pdu_timeout_s: float = Field(
        10.0,
        gt=0,
        title="Patience for the first PDU",
        description="Seconds from connecting to a whole A-ASSOCIATE-RQ.",
    )
    idle_timeout_s: float = Field(
        120.0, gt=0, title="Patience between messages", description="Seconds an association may be silent."
    )
    stall_timeout_s: float = Field(
        30.0, gt=0, title="Patience within a message", description="Seconds a device may be silent in mid-object."
    )
    stop_grace_s: float = Field(
        5.0,
        ge=0,
        title="Grace at stop",
        description="Seconds an object in transfer gets to finish when the box stops.",
    )
    tls: TlsSettings | None = Field(None, title="TLS", description="Unset: not encrypted.")


class CalleeTls(BaseModel):
    """Encryption towards a peer that we call (PS3.15 B.12: TLS 1.2 or later, both sides with certificates)."""

    model_config = _STRICT

    ca: Path = Field(
        title="Authority", description="PEM file with the only authorities, or certificates, that are believed."
    )
    certificate: Path | None = Field(
        None, title="Certificate", description="PEM file with the box's certificate chain, for who asks for one."
    )
    key: Path | None = Field(None, title="Private key", description="PEM file with the key of the certificate.")
    name: str = Field(
        "", title="Name", description="Name that the peer's certificate must be for; empty: its address."
    )

    @model_validator(mode="after")
    def _key_and_certificate(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: both or none")
        return self


class Callee(BaseModel):
    """A DICOM peer that the box calls."""

    model_config = _STRICT

    host: str = Field(min_length=1, title="Address", description="Host name or IP address.")
    port: int = Field(104, ge=1, le=65535, title="Port", description="TCP port.")
    ae_title: AETitle = Field(min_length=1, title="AE title", description="Whom to call.")
    own_ae_title: AETitle = Field("QCBOX", min_length=1, title="Own AE title", description="To call with.")
    timeout_s: float = Field(30.0, gt=0, title="Patience", description="Seconds it may take to answer.")
    tls: CalleeTls | None = Field(None, title="TLS", description="Unset: not encrypted.")


class WorklistSettings(Callee):
    """Whom to ask for the orders of the day."""

    host: str = Field("", title="Address", description="Of the worklist's server; empty: no worklist is asked.")
    ae_title: AETitle = Field("WORKLIST", min_length=1, title="AE title", description="Of the server.")
    timeout_s: float = Field(10.0, gt=0, title="Patience", description="Seconds the server may take to answer.")
    every_s: float = Field(60.0, ge=5, title="Interval", description="Seconds between two questions.")
    keep_hours: float = Field(
        12.0, gt=0, title="Kept", description="Hours for which an order counts after the server last listed it."
    )
