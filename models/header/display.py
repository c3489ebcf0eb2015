"""display.*: whether the picture will be shown as meant, HD14 (header part) and HD15."""

from __future__ import annotations

import numpy as np

from capture.acquisition import Acquisition, Display, Pixels
from models.header.modality import is_image
from models.measurement import Reason
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Missing, Reporter, absent, family

_FUNCTIONS = frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"})


def _window_valid(acquisition: Acquisition) -> Answer:
    """LINEAR needs a width of 1 or more, the other functions one above 0 (PS3.3 C.11.2.1.2, C.11.2.1.3)."""
    display = acquisition.display
    centers, widths = display.WindowCenter, display.WindowWidth
    if not centers and not widths:
        return absent(acquisition, "WindowCenter", "WindowWidth")
    linear = (display.VOILUTFunction or "LINEAR") == "LINEAR"
    return len(centers) == len(widths) and all(width >= 1 if linear else width > 0 for width in widths)


def _window_inside(pixels: Pixels) -> Answer:
    if pixels.window is None:
        return NOT_IN_HEADER
    lowest, highest = float(pixels.values.min()), float(pixels.values.max())
    if pixels.padding is None and np.isfinite((lowest, highest)).all():
        return _meets(pixels.window, lowest, highest)
    there = np.isfinite(pixels.values) if pixels.padding is None else ~pixels.padding & np.isfinite(pixels.values)
    if not there.any():
        return Missing(Reason.NO_PIXELS, "nothing but padding")
    lowest = float(pixels.values.min(where=there, initial=np.inf))
    highest = float(pixels.values.max(where=there, initial=-np.inf))
    return _meets(pixels.window, lowest, highest)


def _meets(window: tuple[float, float], lowest: float, highest: float) -> bool:
    center, width = window
    return center - width / 2 <= highest and center + width / 2 >= lowest


def _lut_shape_agrees(display: Display) -> Answer:
    """INVERSE belongs to MONOCHROME1 and IDENTITY to MONOCHROME2 (PS3.3 C.8.11.3.1)."""
    wanted = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}.get(display.PhotometricInterpretation or "")
    if not display.PresentationLUTShape or wanted is None:
        return NOT_IN_HEADER
    return display.PresentationLUTShape.strip() == wanted


def _report(subject: Subject) -> Answers:
    display, pixels = subject.acquisition.display, subject.acquisition.pixels
    if not is_image(subject.acquisition):
        return dict.fromkeys(PRODUCER.provides, NOT_APPLICABLE)
    no_pixels = Missing(Reason.NO_PIXELS)
    return {
        "display.window_present": bool(display.WindowCenter and display.WindowWidth) or display.has_VOILUTSequence,
        "display.window_valid": _window_valid(subject.acquisition),
        "display.window_inside_values": _window_inside(pixels) if isinstance(pixels, Pixels) else no_pixels,
        "display.voi_lut_valid": not display.VOILUTFunction or display.VOILUTFunction.strip() in _FUNCTIONS,
        "display.lut_shape_agrees": _lut_shape_agrees(display),
    }


PRODUCER = Reporter("display/1", family("display"), _report)
