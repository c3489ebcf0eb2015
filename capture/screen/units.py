"""Units as consoles write them to the units of DICOM's attributes (PS3.3, where each attribute is defined)."""

from __future__ import annotations

from collections.abc import Mapping

from capture.screen.tokens import plain

_KILOVOLT = {"kv": 1.0, "kvp": 1.0, "v": 0.001}
_MILLIAMPERE = {"ma": 1.0, "a": 1000.0}
_MILLISECOND = {"ms": 1.0, "msec": 1.0, "毫秒": 1.0, "s": 1000.0, "sec": 1000.0, "秒": 1000.0, "us": 0.001}
_SECOND = {unit: factor / 1000 for unit, factor in _MILLISECOND.items()}
_MILLIAMPERE_SECOND = {"mas": 1.0, "uas": 0.001}
_MILLIMETRE = {"mm": 1.0, "毫米": 1.0, "cm": 10.0, "厘米": 10.0, "m": 1000.0, "inch": 25.4, "in": 25.4}
_MILLIGRAY = {"mgy": 1.0, "gy": 1000.0, "ugy": 0.001, "cgy": 10.0, "dgy": 100.0}
_DECIGRAY_CM2 = {
    "dgycm2": 1.0, "gycm2": 10.0, "cgycm2": 0.1, "mgycm2": 0.01, "ugycm2": 1e-5,
    "ugym2": 0.1, "mgym2": 100.0, "gym2": 1e5, "cgym2": 1000.0,
}  # fmt: skip
_DEGREE = {"°": 1.0, "deg": 1.0, "度": 1.0}
_NEWTON = {"n": 1.0, "dan": 10.0, "kg": 9.80665, "kgf": 9.80665, "lb": 4.44822, "lbs": 4.44822}
_TESLA = {"t": 1.0, "mt": 0.001}

_UNITS: Mapping[str, Mapping[str, float]] = {
    "KVP": _KILOVOLT,
    "XRayTubeCurrent": _MILLIAMPERE,
    "ExposureTime": _MILLISECOND,
    "Exposure": _MILLIAMPERE_SECOND,
    "DistanceSourceToDetector": _MILLIMETRE,
    "DistanceSourceToPatient": _MILLIMETRE,
    "ImageAndFluoroscopyAreaDoseProduct": _DECIGRAY_CM2,
    "EntranceDoseInmGy": _MILLIGRAY,
    "OrganDose": {unit: factor / 100 for unit, factor in _MILLIGRAY.items()},
    "CompressionForce": _NEWTON,
    "BodyPartThickness": _MILLIMETRE,
    "SliceThickness": _MILLIMETRE,
    "SpacingBetweenSlices": _MILLIMETRE,
    "ReconstructionDiameter": _MILLIMETRE,
    "DataCollectionDiameter": _MILLIMETRE,
    "TableHeight": _MILLIMETRE,
    "TotalCollimationWidth": _MILLIMETRE,
    "GantryDetectorTilt": _DEGREE,
    "RevolutionTime": _SECOND,
    "CTDIvol": _MILLIGRAY,
    "RepetitionTime": _MILLISECOND,
    "EchoTime": _MILLISECOND,
    "InversionTime": _MILLISECOND,
    "FlipAngle": _DEGREE,
    "MagneticFieldStrength": _TESLA,
}


def convert(keyword: str, value: float, unit: str) -> float | None:
    """``value`` in the unit DICOM uses for ``keyword``; None when ``unit`` is unknown. "" is DICOM's own.

    A name of one's own (small first letter) is not DICOM's: its value stays as it is.
    """
    said = normal(unit)
    if not said or keyword[:1].islower():
        return value
    factor = _UNITS.get(keyword, {}).get(said)
    # Rounded: 0.28 s is 280 ms, not 280.00000000000006.
    return None if factor is None else float(f"{value * factor:.12g}")


def known(unit: str) -> bool:
    """Whether it is a unit of any attribute, or one that a screen shows beside a number (%, MHz, f/s)."""
    said = normal(unit)
    return said in _BESIDE or any(said in units for units in _UNITS.values())


def normal(unit: str) -> str:
    """One spelling: small letters, no dots, no spaces, u for micro, 2 for ²."""
    said = plain(unit).replace("μ", "u").replace("µ", "u").lower()
    return said.translate(dict.fromkeys(map(ord, "·.*•⋅"), None))


_BESIDE = frozenset(
    {"%", "mhz", "khz", "hz", "db", "f/s", "fps", "mgycm", "ms/cm", "cm2", "mm2", "hu", "min", "分"}
)
