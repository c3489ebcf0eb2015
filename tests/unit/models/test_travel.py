"""What goes from a worker to the agent arrives whole."""

from __future__ import annotations

import pickle
from dataclasses import MISSING, fields

import pytest

from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason, Region
from models.rules.verdict import Timing

_MARK = Mark("line", "margin_top", ((0.0, 0.5), (1.0, 0.5)), "4 mm", 0.5)
_WHOLE = (
    Measurement("a.b", ("x", "y"), "mm", "p/1", 0.5, (Region(0, 0.1, 0.2, 0.3),), (_MARK,)),
    NotMeasured("a.b", Reason.FAILED, "why"),
    Timing("rules", 1.5),
)


@pytest.mark.parametrize("one", _WHOLE, ids=lambda one: type(one).__name__)
def test_every_field_arrives(one: Measured | Timing) -> None:
    """Each field of the value differs from its default: one that was forgotten on the way would show."""
    defaults = {field.name: field.default for field in fields(one) if field.default is not MISSING}
    assert all(getattr(one, name) != default for name, default in defaults.items())
    assert pickle.loads(pickle.dumps(one)) == one
