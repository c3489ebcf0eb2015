"""Prometheus metrics of the agent, in a registry of their own. Labels never carry anything of a patient."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from models.rules.verdict import Timing

STAGES = ("intake", "wait", "read", "measure", "rules", "preview", "record", "store", "total")
"""``total`` is last byte on disk to verdict stored; the others are its parts, in order."""

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 120.0)


class Metrics:
    """What the agent counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.stage_seconds = Histogram(
            "qcbox_stage_seconds",
            "Seconds a case spent in a stage",
            ["stage"],
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.cases = Counter("qcbox_cases", "Cases finished, by how they ended", ["ended"], registry=self.registry)
        self.worker_restarts = Counter(
            "qcbox_worker_restarts", "Workers that died or ran out of time", registry=self.registry
        )
        self.waiting = Gauge("qcbox_waiting_cases", "Cases that wait to be judged", registry=self.registry)
        self.outbox_depth = Gauge(
            "qcbox_outbox_depth", "Events the centre has not acknowledged", registry=self.registry
        )
        self.outbox_age = Gauge(
            "qcbox_outbox_oldest_seconds", "Age of the oldest unacknowledged event", registry=self.registry
        )
        self.disk_free = Gauge(
            "qcbox_disk_free_bytes", "Free bytes where the data folder is", registry=self.registry
        )
        self.forward_waiting = Gauge(
            "qcbox_forward_waiting", "What waits for a destination, the RIS or a device", ["queue"],
            registry=self.registry,
        )  # fmt: skip
        self.forward_refused = Gauge(
            "qcbox_forward_refused", "What a destination or the RIS refused for good", ["queue"],
            registry=self.registry,
        )  # fmt: skip
        self.link_connected = Gauge(
            "qcbox_link_connected", "1 while the broker is connected", registry=self.registry
        )

    def stage(self, stage: str, milliseconds: float) -> None:
        """Count one case's time in one stage."""
        self.stage_seconds.labels(stage).observe(milliseconds / 1000)

    def stages(self, took: Iterable[Timing]) -> None:
        """Count those of a verdict's timings that are stages; the others are single producers."""
        for part in took:
            if part.stage in STAGES:
                self.stage(part.stage, part.ms)

    def text(self) -> bytes:
        """The exposition format, for ``/metrics``."""
        return generate_latest(self.registry)
