"""A small part of the strain; the full run is ``python -m tests.benchmarks.receiver_strain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.receiver_strain import strain


@pytest.mark.real
def test_silence_associations_and_damage_leave_nothing_behind(tmp_path: Path) -> None:
    told: dict[str, Any] = strain(tmp_path, pdus=1400, associations=100)
    assert max(told["kib_of_an_association"], told["kib_of_an_object_in_flight"]) <= 2048
    before, after = told["kib_before_and_after_associations"]
    assert after - before < 2048
    descriptors = told["threads_and_descriptors"]
    assert descriptors["after_fuzz"][1] <= descriptors["before"][1] + 40, "those of files made ahead at most"
    assert {"aborted", "released"} <= told["ends"].keys()
