"""Circumstances: what the box knows of an image that the image itself cannot say.

Stored with the verdict, so that the same verdict can be made again from the stored bytes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SharedMark:
    """Where this site puts the mutual-recognition mark and what it looks like."""

    keyword_or_tag: str
    """DICOM keyword, or a tag as ``GGGGEEEE`` for a private one."""
    pattern: str
    """Regular expression (RE2 syntax) the value must contain."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a number of this device and protocol usually is: see :mod:`models.baseline`."""

    measure: str
    """Its name in the catalogue."""
    median: float
    mad: float
    """Median absolute deviation, in the unit of the measure."""
    count: int
    """How many numbers it is made of."""
    seeded: bool = False
    """It was given to the box, which has not learned enough yet."""
    producer: str = ""
    """Who measured the numbers, with the version; "": whoever made it did not say, and any is compared with it."""

    def compares(self, producer: str) -> bool:
        """Whether a number that this one measured is compared with it."""
        return self.producer in ("", producer)


@dataclass(frozen=True, slots=True)
class Ordered:
    """How an image stands to the worklist. Kept with the verdict; holds no identity."""

    patient: bool | None
    """Two identifiers agree; one agrees and another contradicts; None: no order of this patient is listed."""
    accession_listed: bool | None
    """None: the image has no accession number."""
    accession_of_one: bool
    """No other patient has an order of this accession number."""
    sides: tuple[str, ...] = ()
    """L, R: what the orders of this accession number name."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Facts about one arrival that come from the box, its site and its history."""

    received_at: int
    """UTC milliseconds."""
    calling_ae: str = ""
    device_key: str = ""
    """Stable key of the device in the box's own list; the scope of L5 packs."""
    person_key: str = ""
    shared_mark: SharedMark | None = None
    timezone: str = "Asia/Shanghai"
    """IANA zone that naive DICOM times are in when TimezoneOffsetFromUTC is absent."""
    same_uid_other_bytes: bool | None = None
    """True when this SOPInstanceUID came before with other content; None when the history is unknown."""
    clock_synced: bool = True
    baselines: tuple[Baseline, ...] = ()
    """Those that apply to this image or set."""
    ordered: Ordered | None = None
    """How it stands to the worklist; None: no worklist is connected."""
