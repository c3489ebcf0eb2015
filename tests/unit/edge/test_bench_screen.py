"""``qcbox bench screen`` measures the real loop; watching costs less than decoding in colour would."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from edge.cli import build


def test_watching_is_cheaper_than_colour() -> None:
    ran = CliRunner().invoke(
        build(["bench"]), ["bench", "screen", "--rounds", "2", "--seconds", "1", "--json"], catch_exceptions=False
    )
    rows = {row["format"]: row for row in json.loads(ran.stdout)}
    assert set(rows) == {"mjpeg", "yuyv"}
    assert all(row["watching_ms"] > 0 for row in rows.values())
    assert rows["mjpeg"]["ratio"] < 1 and rows["yuyv"]["ratio"] < 0.6
