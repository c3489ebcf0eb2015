"""A planted patient goes through every path, also the broken ones; no name, ID or birth date may get out.

Looked through: every process's output and log, the metrics, every MQTT payload and topic, the centre's database.
"""

from __future__ import annotations

import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pydicom import Dataset

from deploy.demo.outcome import at_box, at_centre
from deploy.demo.sending import storescu
from deploy.demo.site import Site
from tests.factories import cr, ct, ct_dose_report, dx, sc, us, with_raw, write
from tests.peers import wait_until

pytestmark = [pytest.mark.real, pytest.mark.slow]

PLANTED = {
    "PatientName": "Sentinella^Planted",
    "PatientID": "SNTNL-4711-XQ",
    "PatientBirthDate": "19310229",
    "AccessionNumber": "ACSNTNL0815",
    "OperatorsName": "Operatorsentinella^Q",
}
WORDS = ("sentinella", "planted", "sntnl", "19310229", "1931-02-29")
EXPLICIT_LE = "1.2.840.10008.1.2.1"


def planted(ds: Dataset) -> Dataset:
    """The object with the planted patient, also where devices put names into free text."""
    for keyword, value in PLANTED.items():
        setattr(ds, keyword, value)
    ds.StudyDescription = f"Thorax {PLANTED['PatientName']}"
    ds.SeriesDescription = PLANTED["PatientID"]
    return ds


def broken(whole: Path, folder: Path) -> list[Path]:
    """Ways to fail after the name was read."""
    content = whole.read_bytes()
    cut = folder / "cut.dcm"
    cut.write_bytes(content[: len(content) // 2])
    short = folder / "short.dcm"
    short.write_bytes(content[:700])
    wrong_vr = with_raw(Path(shutil.copy(whole, folder / "vr.dcm")), b"DA\x08\x0019310229", b"DA\x08\x00SENTINEL")
    rows = with_raw(
        Path(shutil.copy(whole, folder / "rows.dcm")), b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x10\x00UL\x02\x00"
    )
    named = folder / f"{PLANTED['PatientName']}.txt"
    named.write_text("not DICOM: " + PLANTED["PatientName"])
    return [cut, short, wrong_vr, rows, named]


@contextmanager
def listening(port: int, into: Path) -> Iterator[None]:
    """Everything the broker carries, into a file."""
    with into.open("wb") as out:
        ear = subprocess.Popen(["mosquitto_sub", "-p", str(port), "-t", "#", "-v"], stdout=out)
        try:
            yield
        finally:
            ear.terminate()
            ear.wait(10)


def leaks(folder: Path) -> dict[str, list[str]]:
    """Files that say a planted word, with the words."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes().lower()
            said = [word for word in WORDS if word.encode() in content]
            if said:
                found[path.name] = said
    return found


def test_no_identity_leaves_by_any_path(tmp_path: Path) -> None:
    out = tmp_path / "looked-through"
    out.mkdir()
    makers = (dx, cr, ct, us, sc, ct_dose_report)
    objects = [write(planted(make()), tmp_path / f"{make.__name__}.dcm") for make in makers]
    with Site(tmp_path / "site") as site, listening(site.broker.port, out / "mqtt.txt"):
        storescu(site.dicom_port, EXPLICIT_LE, objects, calling_ae="DX1")
        for path in broken(objects[0], tmp_path):
            shutil.copy(path, site.inbox)
        database = site.folder / "box" / "qcbox.db"
        wait_until(lambda: sum(o.seconds is not None for o in at_box(database)) >= len(objects), "judged", 90)
        refused = site.inbox / "refused"
        wait_until(lambda: refused.exists() and any(refused.iterdir()), "the text file is refused")
        wait_until(lambda: len(at_centre(site.folder / "central.db")) >= len(objects), "at the centre")
        with urllib.request.urlopen(f"{site.console_url}/metrics", timeout=10) as answer:
            (out / "metrics.txt").write_bytes(answer.read())
        for url in ("/case/" + PLANTED["PatientID"], "/api/v1/cases?patient=" + PLANTED["PatientID"]):
            with suppress(urllib.error.HTTPError):  # what a stranger types must not reach the log either
                urllib.request.urlopen(site.console_url + url, timeout=10).close()
    for log in site.folder.glob("*.log"):
        shutil.copy(log, out)
    for part in site.folder.glob("central.db*"):
        shutil.copy(part, out)
    assert (out / "mqtt.txt").stat().st_size > 1000, "the ear heard nothing, so it proves nothing"
    assert b"case.judged" in (out / "agent.log").read_bytes()
    assert leaks(database.parent), "the oracle must be able to see the patient where it may be"
    assert leaks(out) == {}
