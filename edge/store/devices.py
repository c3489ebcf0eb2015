"""The box's own list of devices, and the studies it has seen: both grow from what arrives."""

from __future__ import annotations

import hashlib
import re

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from capture.acquisition import Device
from edge.store.schema import device, exam


def device_key(made_by: Device, calling_ae: str) -> str:
    """Stable, readable key of a machine: ``ysio-max-1a2b3c``; L5 packs name devices by it.

    A serial number tells two machines of one model apart; without one, station and calling AE title must.
    """
    parts = [made_by.Manufacturer, made_by.ManufacturerModelName, made_by.DeviceSerialNumber]
    if not made_by.DeviceSerialNumber:
        parts += [made_by.StationName, calling_ae]
    digest = hashlib.sha256("\0".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()
    name = made_by.ManufacturerModelName or made_by.StationName or calling_ae
    words = re.sub(r"[^a-z0-9]+", "-", (name or "").lower()).strip("-")[:24] or "device"
    return f"{words}-{digest[:6]}"


def seen(connection: Connection, key: str, made_by: Device, calling_ae: str, modality: str | None, at: int) -> int:
    """The device's row id; a new machine gets a row, a known one a new ``last_seen``."""
    row = insert(device).values(
        key=key,
        calling_ae=calling_ae,
        manufacturer=made_by.Manufacturer,
        model=made_by.ManufacturerModelName,
        serial=made_by.DeviceSerialNumber,
        station=made_by.StationName,
        institution=made_by.InstitutionName,
        modality=modality,
        first_seen=at,
        last_seen=at,
    )
    new = row.excluded
    changed = {"last_seen": new.last_seen, "calling_ae": new.calling_ae, "institution": new.institution}
    query = row.on_conflict_do_update(index_elements=["key"], set_=changed).returning(device.c.id)
    return int(connection.scalars(query).one())


def study(connection: Connection, study_uid: str, modality: str | None, at: int) -> int:
    """The study's row id; a new study gets a row, a known one a new ``last_image_at``."""
    row = insert(exam).values(study_uid=study_uid, modality=modality, started_at=at, last_image_at=at)
    changed = {"last_image_at": row.excluded.last_image_at}
    query = row.on_conflict_do_update(index_elements=["study_uid"], set_=changed).returning(exam.c.id)
    return int(connection.scalars(query).one())
