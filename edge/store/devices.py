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


_DEVICE = insert(device)
_SEEN = _DEVICE.on_conflict_do_update(
    index_elements=["key"],
    set_={name: _DEVICE.excluded[name] for name in ("last_seen", "calling_ae", "institution")},
).returning(device.c.id)
_EXAM = insert(exam)
_STUDY = _EXAM.on_conflict_do_update(
    index_elements=["study_uid"], set_={"last_image_at": _EXAM.excluded.last_image_at}
).returning(exam.c.id)


def seen(connection: Connection, key: str, made_by: Device, calling_ae: str, modality: str | None, at: int) -> int:
    """The device's row id; a new machine gets a row, a known one a new ``last_seen``."""
    row = {
        "key": key,
        "calling_ae": calling_ae,
        "manufacturer": made_by.Manufacturer,
        "model": made_by.ManufacturerModelName,
        "serial": made_by.DeviceSerialNumber,
        "station": made_by.StationName,
        "institution": made_by.InstitutionName,
        "modality": modality,
        "first_seen": at,
        "last_seen": at,
    }
    return int(connection.scalars(_SEEN, row).one())


def study(connection: Connection, study_uid: str, modality: str | None, at: int) -> int:
    """The study's row id; a new study gets a row, a known one a new ``last_image_at``."""
    row = {"study_uid": study_uid, "modality": modality, "started_at": at, "last_image_at": at}
    return int(connection.scalars(_STUDY, row).one())
