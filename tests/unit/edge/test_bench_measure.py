"""The benchmark of the image metrics: its figures are there and add up."""

from __future__ import annotations

import json

import pytest

from edge.commands import bench_measure as bench


def test_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "_SIDE", 700)
    monkeypatch.setattr(bench, "_ROUNDS", 2)
    bench.bench_measure(json=True)
    report = json.loads(capsys.readouterr().out)
    costs = {cost["metric"]: cost["cpu_ms"] for cost in report["costs"]}
    assert {"collimation/1", "noise/1", "sharpness/1", "artefact/2", "all"} <= set(costs)
    assert costs["all"] > 0
    assert report["peak_mib"] > 0
    bench.bench_measure(json=False)
    assert "x blur" in capsys.readouterr().out
