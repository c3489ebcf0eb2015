"""``python -m tests.benchmarks.series``: a CT series over one association, last byte to the verdict on the series.

300 slices of 512 x 512 by DCMTK's storescu, as fast as the box takes them (or ``--rate`` images a second).
The last byte is the time the receiver stamps on the last slice; the verdict's is that of its row, on the same
clock. Memory is the proportional set size of the receiver, the agent and its worker, read twice a second. Beside
the clock on the wall, which other work on the machine delays, it says what CPU each process took for a slice; the
worker's has the judging of the series in it. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage  # type: ignore[attr-defined]  # made at import

from deploy.demo.sending import storescu
from tests.benchmarks.memory import family, pss_mb
from tests.end_to_end.site import Site, query
from tests.factories import ct, uid, write
from tests.peers import wait_until

_LITTLE = "1.2.840.10008.1.2.1"
_HZ = os.sysconf("SC_CLK_TCK")


def slices(folder: Path, run: int, count: int) -> list[Path]:
    """A body with noise of its own in each slice, 1.25 mm apart; a maker whose isocentre is known has rings."""
    across = np.linspace(-1, 1, 512)
    body = (across[None, :] ** 2 + (across[:, None] / 0.8) ** 2) < 0.7
    chance = np.random.default_rng(run)
    paths = []
    for number in range(count):
        stored = np.where(body, 1064, 24) + chance.normal(0, 12, (512, 512))
        made = ct(
            np.clip(stored, 0, 4095).astype(np.uint16), number,
            SOPInstanceUID=uid("bench", run, number), SeriesInstanceUID=uid("bench", run),
            StudyInstanceUID=uid("bench", "study", run), Manufacturer="SIEMENS",
            SliceThickness="1.25", SpacingBetweenSlices="1.25",
            ImagePositionPatient=["-175", "-175", str(-1.25 * number)], PixelSpacing=["0.68", "0.68"],
        )  # fmt: skip
        paths.append(write(made, folder / f"{number:04}.dcm"))
    return paths


def paced(port: int, paths: Sequence[Path], rate: float) -> None:
    """One association, so many images a second."""
    scu = AE(ae_title="CT1")
    scu.add_requested_context(CTImageStorage, _LITTLE)
    association = scu.associate("127.0.0.1", port, ae_title="QCBOX")
    begun = time.monotonic()
    for number, path in enumerate(paths):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        if association.send_c_store(dcmread(path)).Status != 0:
            raise AssertionError("not stored")
    association.release()


@contextmanager
def watched(site: Site) -> Iterator[list[float]]:
    """Memory of the box's processes while something runs."""
    readings: list[float] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.5):
            pids = [pid for name in ("listen", "agent") for pid in family(site.children[name].pid)]
            readings.append(pss_mb(pids))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield readings
    finally:
        ended.set()
        thread.join()


def cpu_s(site: Site) -> dict[str, float]:
    """Seconds of CPU so far: receiver, agent, and its workers, those that have ended among them."""
    listen, agent = site.children["listen"].pid, site.children["agent"].pid
    workers = [pid for pid in family(agent) if pid != agent]
    return {
        "receiver": sum(_ticks(pid)[0] for pid in family(listen)) / _HZ,
        "agent": _ticks(agent)[0] / _HZ,
        "worker": (_ticks(agent)[1] + sum(_ticks(pid)[0] for pid in workers)) / _HZ,
    }


def _ticks(pid: int) -> tuple[int, int]:
    """Of the process, and of its children that have ended (proc(5): utime, stime, cutime, cstime)."""
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    return int(parts[11]) + int(parts[12]), int(parts[13]) + int(parts[14])


def waited(site: Site, run: int) -> tuple[float, float, float]:
    """Seconds from the last byte to the last image's verdict, and to that of the series; and of sending."""
    case = f"(select case_id from image_set where uid = '{uid('bench', run)}')"
    query_of = f"select created_at from verdict where case_id = {case} and mode = 'active'"
    wait_until(lambda: query(site.database, query_of), "the series has its verdict", 600)
    ((judged,),) = query(site.database, query_of)
    own = f"(select id from image_set where uid = '{uid('bench', run)}')"
    images = (
        f"set_member m join case_ c on c.id = m.case_id join verdict v on v.case_id = c.id where m.set_id = {own}"
    )
    ((first, last, read),) = query(
        site.database, f"select min(c.received_at), max(c.received_at), max(v.created_at) from {images}"
    )
    return (read - last) / 1000, (judged - last) / 1000, (last - first) / 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rate", type=float, default=0, help="images a second; 0: as fast as they are taken")
    options = parser.parse_args()
    waits = []
    cpu: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), centre=False, as_shipped=True)
        try:
            site.start()
            with watched(site) as memory:
                for run in range(options.runs):
                    paths = slices(Path(folder), run, options.slices)
                    before = cpu_s(site)
                    if options.rate:
                        paced(site.dicom_port, paths, options.rate)
                    else:
                        storescu(site.dicom_port, _LITTLE, paths)
                    waits.append(waited(site, run))
                    cpu.append({name: used - before[name] for name, used in cpu_s(site).items()})
                    print(f"run {run}: {waits[-1]}", file=sys.stderr, flush=True)
        finally:
            site.close()
    series = sorted(wait for _, wait, _ in waits)
    p95 = statistics.quantiles(series, n=20, method="inclusive")[18] if len(series) > 1 else series[0]
    print(
        json.dumps(
            {
                "slices": options.slices,
                "n": len(series),
                "p50_s": statistics.median(series),
                "p95_s": p95,
                "images_p50_s": statistics.median(wait for wait, _, _ in waits),
                "sending_p50_s": statistics.median(sending for _, _, sending in waits),
                "cpu_ms_a_slice": {
                    name: round(1000 * statistics.median(one[name] for one in cpu) / options.slices, 2)
                    for name in cpu[0]
                },
                "most_mb": max(memory),
                "load": os.getloadavg()[0],
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
