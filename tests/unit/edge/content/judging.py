"""Images that were judged, as rows: what probation and shadow look at."""

from __future__ import annotations

import hashlib
from itertools import count

from sqlalchemy import Connection

from capture.arrival import Arrival, arrival_id
from capture.text import Bilingual
from edge.clock import now_ms
from edge.pipeline import states
from edge.pipeline.alerting import alert_for
from edge.store import cases
from edge.store.alerts import add_alert
from edge.store.database import Database
from edge.store.verdicts import add_verdict
from models.measurement import NotMeasured, Reason
from models.rules.verdict import Fingerprint, Grade, NotAssessed, Timing, Verdict

_number = count()
_LACKS = NotAssessed("X1.x", Bilingual("无", "none"), (NotMeasured("image.snr", Reason.FAILED),))


def judge(
    db: Database, images: int, *, alerts: int = 0, failed: int = 0, ms: float = 100.0, sha256: str = "0" * 64,
    shadow: Grade | None = None,
) -> None:  # fmt: skip
    """So many images by the pack with this hash, the first ones bad. ``failed``: with a measure that failed;
    ``shadow``: a grade beside."""
    for number in range(images):
        grade = Grade.FEI if number < alerts else Grade.JIA
        lacks = (_LACKS,) if number < failed else ()
        packs = (Fingerprint("kv-check", 1, sha256),)
        verdict = Verdict(grade, 100.0, (), lacks, ("X2.x",), packs, timings=(Timing("rules", ms),))
        db.write(lambda c, v=verdict: _store(c, v, shadow))  # type: ignore[misc]


def begin(db: Database) -> str:
    """An image that a worker has begun with; its case."""
    return db.write(lambda connection: _begun(connection, now_ms())).id


def end(db: Database, case_id: str) -> None:
    """It has its verdict."""
    db.write(lambda connection: states.move(connection, case_id, "judging", "judged", now_ms()))


def _begun(connection: Connection, now: int) -> Arrival:
    sha256 = hashlib.sha256(str(next(_number)).encode()).hexdigest()
    arrival = Arrival(arrival_id(now, sha256), sha256, 1, "dicom", "dicom", now, "AE", "")
    cases.take_in(connection, arrival, now)
    states.move(connection, arrival.id, "held", "judging", now, attempts=1)
    return arrival


def _store(connection: Connection, verdict: Verdict, shadow: Grade | None) -> None:
    now = now_ms()
    arrival = _begun(connection, now)
    states.move(connection, arrival.id, "judging", "judged", now)
    verdict_id = add_verdict(connection, arrival.id, verdict, (), now)
    add_alert(connection, arrival.id, verdict_id, alert_for(verdict, arrival.id, now), now)
    if shadow is not None:
        beside = Verdict(shadow, 50.0, (), (), (), verdict.packs, mode="shadow")
        add_verdict(connection, arrival.id, beside, (), now)
