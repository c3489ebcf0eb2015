"""``python -m tests.benchmarks.content_update``: what images wait for while content changes on three real boxes.

One image a second arrives at each box, all along. For each thing that happens: from the image's last byte (the
receiver's time) to its verdict (the agent's), in seconds, and how many have none at the end. ``crash`` counts
those beside the image that costs a worker its life, ``crashes`` those beside four such images at once; the time of
these, and how long until the release was taken back, from the arrival of the first (in a storm: from its
activation), stand above. ``next``: from the second approver's signature to a verdict by the new release on all
boxes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.end_to_end.signed_site import PROBATION, SignedBox, SignedSite
from tests.end_to_end.test_signed_update import HANGS, PACK, take, voltage
from tests.factories import uid
from tests.peers import wait_until
from tests.signed_content import pack

_TOO_MUCH = [f"too much {number}" for number in range(5)]
"""Names of images; the first comes alone."""
_CAME = "select c.received_at from case_ c join acquisition a on a.case_id = c.id where a.sop_uid = ?"
_JUDGED = "select v.created_at from verdict v join acquisition a on a.case_id = v.case_id where a.sop_uid = ?"
_STEP = (
    "select s.at from content_step s join content_release r on r.id = s.release_id"
    " where r.sha256 = ? and s.state = ? order by s.id desc"
)


@contextmanager
def arriving(site: SignedSite, every_s: float) -> Iterator[None]:
    """Images at each box, until the end."""
    stop = threading.Event()

    def feed(box: SignedBox) -> None:
        turn = 0
        while not stop.wait(every_s):
            take(box, f"all along {turn}")
            turn += 1

    threads = [threading.Thread(target=feed, args=(box,)) for box in site.boxes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def on_all(site: SignedSite, sha256: str, name: str, *states: str) -> None:
    """Wait until a release has come to one of these states on every box."""
    wait_until(
        lambda: all(set(states) & set(box.states(name, sha256)) for box in site.boxes), f"{name}: {states}", 120
    )


def next_verdict(site: SignedSite, sha256: str) -> None:
    """Wait until every box has judged an image by this release."""
    wait_until(lambda: all(judges(box, sha256) for box in site.boxes), "judged by it", 120)


def judges(box: SignedBox, sha256: str) -> bool:
    """Whether a box has judged an image by this release."""
    asked = "select 1 from verdict where packs like ? and mode = 'active' limit 1"
    return bool(box.rows(asked, f"%{sha256}%"))


def limit(site: SignedSite) -> None:
    """A limit is changed, approved, rolled out and has proved itself."""
    sha256 = site.release(PACK, lambda text: voltage(text, 149.0), "limit")
    began = time.monotonic()
    site.roll_out(sha256)
    next_verdict(site, sha256)
    print(f"next: {time.monotonic() - began:.1f} s", flush=True)
    on_all(site, sha256, PACK, "committed")


def bad(site: SignedSite) -> None:
    """A release whose own cases fail."""
    sha256 = site.group.publish(pack("kv-check", passes=999.0))
    site.roll_out(sha256)
    on_all(site, sha256, "kv-check", "failed_selftest")


def crash(site: SignedSite, names: Sequence[str] = _TOO_MUCH[:1]) -> None:
    """A release with which these images, sent at once, each cost a worker its life."""
    sha256 = site.release(PACK, lambda text: voltage(text, 150.0, also=HANGS), "odd")
    site.roll_out(sha256)
    waiting = list(site.boxes)
    while waiting:  # once it judges there: the rows are ahead of the workers
        for box in [one for one in waiting if judges(one, sha256)]:
            for name in names:
                take(box, name, 131.0)
            waiting.remove(box)
        time.sleep(0.1)
    on_all(site, sha256, PACK, "rolled_back")
    sent = [(box, uid(name, box.name)) for box in site.boxes for name in names]
    came = [seconds(box, _CAME, instance) for box, instance in sent]
    judged = [seconds(box, _JUDGED, instance) for box, instance in sent]
    took = (f"{done - at:.1f}" for done, at in zip(judged, came, strict=True))
    print("the images themselves:", *took, "s", flush=True)
    taken_back(site, sha256, came[:: len(names)])


def storm(site: SignedSite) -> None:
    """A release that alerts on every image."""
    sha256 = site.release(PACK, lambda text: voltage(text, 100.0, severity="major", deduct=30), "too strict")
    site.roll_out(sha256)
    on_all(site, sha256, PACK, "rolled_back")
    taken_back(site, sha256, [seconds(box, _STEP, sha256, "probation") for box in site.boxes])


def taken_back(site: SignedSite, sha256: str, since: list[float]) -> None:
    """How long that took."""
    back = [seconds(box, _STEP, sha256, "rolled_back") for box in site.boxes]
    print(
        "taken back after:", *(f"{at - first:.1f}" for at, first in zip(back, since, strict=True)), "s", flush=True
    )


def seconds(box: SignedBox, sql: str, *values: object) -> float:
    """A time in its database; waits until there is one."""
    found: list[tuple[object, ...]] = []
    wait_until(lambda: found.extend(box.rows(sql, *values)) or found, "a time", 60)  # type: ignore[func-returns-value]
    return int(str(found[0][0])) / 1000


def rotation(site: SignedSite) -> None:
    """All keys change, then a release by the new ones."""
    site.group.rotate_everything()
    sha256 = site.release(PACK, lambda text: voltage(text, 148.0), "by new keys")
    site.roll_out(sha256)
    next_verdict(site, sha256)


HAPPENS: dict[str, Callable[[SignedSite], None]] = {
    "nothing": lambda site: time.sleep(20 + PROBATION), "limit": limit, "bad self-test": bad, "crash": crash,
    "crashes": partial(crash, names=_TOO_MUCH[1:]),
    "alert storm": storm, "key rotation": rotation,
}  # fmt: skip


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two images at a box")
    parser.add_argument("--workers", type=int, default=2, help="of each box")
    parser.add_argument("--only", nargs="*", choices=HAPPENS, default=list(HAPPENS), help="what shall happen")
    chosen = parser.parse_args()
    spans: dict[str, tuple[int, int]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        SignedSite(Path(folder), boxes=3, workers=chosen.workers) as site,
    ):
        with arriving(site, chosen.every):
            time.sleep(5)
            for name in chosen.only:
                began = time.time_ns() // 1_000_000
                HAPPENS[name](site)
                spans[name] = began, time.time_ns() // 1_000_000
        time.sleep(30)
        for name, span in spans.items():
            report(site, name, span)


def report(site: SignedSite, name: str, span: tuple[int, int]) -> None:
    """One line; what costs a worker its life has one of its own."""
    asked = (
        "select c.received_at, min(v.created_at) from case_ c left join verdict v on v.case_id = c.id"
        " and v.mode = 'active' left join acquisition a on a.case_id = c.id where c.kind = 'dicom'"
        " and c.received_at between ? and ? and coalesce(a.sop_uid, '') not in (?, ?, ?, ?, ?) group by c.id"
    )
    rows = [
        row for box in site.boxes for row in box.rows(asked, *span, *(uid(one, box.name) for one in _TOO_MUCH))
    ]
    waits = sorted((int(str(done)) - int(str(came))) / 1000 for came, done in rows if done is not None)
    if not waits:
        print(f"{name:14} no image")
        return
    p95 = statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else waits[0]
    lasted = (span[1] - span[0]) / 1000
    print(
        f"{name:14} {len(rows):4} images in {lasted:4.0f} s: p50 {statistics.median(waits):.2f}"
        f", p95 {p95:.2f}, most {waits[-1]:.2f} s; without a verdict {len(rows) - len(waits)}"
    )


if __name__ == "__main__":
    main()
