"""What became of the objects sent, read from the box's and the centre's databases."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """One object at the box. ``seconds``: from the last byte to the alert; None while it is being judged."""

    SOPInstanceUID: str
    grade: str | None
    score: float | None
    worst: str
    verdicts: int
    alerts: int
    seconds: float | None
    state: str


_OUTCOMES = """
select coalesce(a.sop_uid, ''), v.grade, v.score, count(distinct v.id), count(distinct al.id),
       (min(al.created_at) - c.received_at) / 1000.0, c.state,
       (select f.title_en from finding f where f.verdict_id = v.id
        order by instr('veto major minor info', f.severity), f.deduct desc limit 1)
from case_ c
left join acquisition a on a.case_id = c.id
left join verdict v on v.case_id = c.id and v.mode = 'active'
left join alert al on al.case_id = c.id
where c.kind not in ('series', 'study')
group by c.id
"""


def at_box(database: Path) -> list[Outcome]:
    """Every object the box has, one entry each."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return [
            Outcome(uid, grade, score, worst or "", verdicts, alerts, seconds, state)
            for uid, grade, score, verdicts, alerts, seconds, state, worst in connection.execute(_OUTCOMES)
        ]


def at_centre(database: Path) -> Counter[str]:
    """How many results the centre has for each pseudonym of an object."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute("select payload from event where type = 'qc.result.v1'")
        named = (json.loads(payload)["data"]["instance"] for (payload,) in rows)
        return Counter(str(instance) for instance in named if instance is not None)
