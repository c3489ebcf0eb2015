"""Whether the picture will be shown the right way round: bones bright, direct radiation dark."""

from __future__ import annotations

from collections.abc import Iterable

from models.image.metric import Radiograph
from models.measurement import Measured, Measurement, NotMeasured, Reason

NAMES = frozenset({"inversion.mismatch"})


def look(radiograph: Radiograph) -> Iterable[Measured]:
    """Compare the exposed end of the values with PhotometricInterpretation (PS3.3 C.7.6.3.1.2).

    Says nothing rather than guess; :mod:`models.image.polarity` has the two tests and their limits.
    """
    polarity = radiograph.views.polarity
    if radiograph.acquisition.exam.Modality in ("MG", "RF", "XA"):
        return [NotMeasured("inversion.mismatch", Reason.NOT_APPLICABLE, "shown either way in practice")]
    if polarity.exposed_end is None:
        return [NotMeasured("inversion.mismatch", Reason.NOT_RELIABLE, "the pixels do not say")]
    shown_dark = "high" if radiograph.pixels.inverted else "low"
    wrong = polarity.exposed_end != shown_dark
    return [Measurement("inversion.mismatch", wrong, confidence=polarity.confidence)]
