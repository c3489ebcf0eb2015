"""The receiver against storescp as shipped: three small rounds; the full run is ``qcbox bench receive``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.real
@pytest.mark.slow
def test_synced_we_are_not_slower_than_storescp_unsynced(tmp_path: Path) -> None:
    """A sender that leaves Nagle's algorithm on, as DCMTK's does: at least 1.0 times, however busy the machine."""
    command = [sys.executable, "-m", "edge", "bench", "receive", "--rounds", "3", "--count", "100", "--json"]
    command += ["--only", "Nagle", "--folder", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    ratios = {row["receiver"]: row["qcbox_speed_ratio"] for row in json.loads(ran.stdout)}
    assert ratios["qcbox"] == 1.0
    assert ratios["storescp"] >= 1.0
