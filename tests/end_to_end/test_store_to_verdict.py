"""From storescu to a stored verdict, through real processes; what cannot be judged says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from capture.spool import Spool
from tests.end_to_end.site import Site, query, settle
from tests.factories import SENTINEL, SENTINEL_ID, dx, write
from tests.peers import ROOT, wait_until

NAMES = ("CT_small.dcm", "MR_small.dcm", "693_J2KI.dcm", "JPEG2000.dcm", "MR-SIEMENS-DICOM-WithOverlays.dcm")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), centre=False)
    made.start()
    yield made
    made.close()


def storescu(port: int, *options: str) -> None:
    program = shutil.which("storescu")
    assert program is not None, "DCMTK is not installed (apt install dcmtk)"
    subprocess.run([program, "-aec", "QCBOX", *options[:-1], "127.0.0.1", str(port), options[-1]], check=True)


@pytest.mark.slow
@pytest.mark.real
def test_every_object_that_storescu_sends_gets_one_verdict(site: Site) -> None:
    paths = [path for name in NAMES if (path := get_testdata_file(name, download=False))]
    assert len(paths) >= 4
    for path in paths:
        syntax = {"693_J2KI.dcm": "-xw", "JPEG2000.dcm": "-xw"}.get(Path(str(path)).name, "-xe")
        storescu(site.dicom_port, syntax, str(path))
    wait_until(
        lambda: query(site.database, "select count(*) from case_ where kind = 'dicom'") == [(len(paths),)],
        "all are cases",
    )
    settle(site)
    rows = query(
        site.database,
        "select a.sop_uid, count(*), max(al.id is not null), max(a.preview_sha256 is not null) from verdict v"
        " join acquisition a on a.case_id = v.case_id join alert al on al.verdict_id = v.id"
        " where a.sop_uid is not null group by 1",
    )
    wanted = {str(dcmread(str(path), stop_before_pixels=True).SOPInstanceUID) for path in paths}
    assert {row[0] for row in rows} == wanted
    assert {row[1:] for row in rows} == {(1, 1, 1)}
    told = "select count(*) from outbox o join case_ c on c.id = o.case_id where c.kind = 'dicom'"
    assert query(site.database, told) == [(len(paths),)]


@pytest.mark.slow
@pytest.mark.real
def test_what_is_no_dicom_is_set_aside_and_the_next_object_is_judged(site: Site, tmp_path: Path) -> None:
    spool = Spool(site.folder / "box" / "spool")
    for content in (b"no dicom at all", b"", write(dx(), tmp_path / "dx.dcm").read_bytes()):
        with spool.receive(kind="dicom", source="folder") as incoming:
            incoming.write(content)
            incoming.commit(time.time_ns() // 1_000_000)
    ended = "select state, reason_code from case_ where source = 'folder' order by state"
    wait_until(lambda: len(query(site.database, ended)) == 3, "three more cases")
    settle(site)
    states = query(site.database, ended)
    assert [state for state, _ in states] == ["judged", "set_aside", "set_aside"]
    assert {code for _, code in states} == {None, "dicom.unreadable", "dicom.empty"}
    assert query(site.database, "select count(*) from outbox where type = 'qc.setaside.v1'") == [(2,)]


@pytest.mark.slow
@pytest.mark.real
def test_metrics_tell_every_stage_and_no_patient(site: Site) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.console_port}/metrics") as answer:
        text = answer.read().decode()
    for stage in ("intake", "wait", "read", "measure", "rules", "preview", "store", "total"):
        assert f'qcbox_stage_seconds_count{{stage="{stage}"}}' in text
    for part in (SENTINEL.split("^")[0], SENTINEL_ID):
        assert part not in text + site.logs()


@pytest.mark.slow
@pytest.mark.real
def test_send_test_goes_the_whole_way(site: Site) -> None:
    """Its patient looks like the test that it is, which is a veto: the loudest alert there is."""
    sent = qcbox("send-test", "--rows", "256", "--config", str(site.folder / "qcbox.toml"))
    assert (sent.returncode, json.loads(sent.stdout)["status"]) == (0, "0000")
    loud = "select al.level from alert al join case_ c on c.id = al.case_id where c.calling_ae = 'QCBOX-TEST'"
    wait_until(lambda: query(site.database, loud) == [("critical",)], "the alert")
    lost = qcbox("send-test", "--host", "127.0.0.2", "--config", str(site.folder / "qcbox.toml"))
    assert lost.returncode == 1 and "send.refused" in lost.stderr


def qcbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.slow
@pytest.mark.real
def test_asked_to_end_every_process_ends_well(site: Site) -> None:
    agent = site.children["agent"]
    workers = _children_of(agent.pid)
    assert workers
    for name in ("listen", "agent"):
        site.children[name].stop()
    assert agent.returncode == 0
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "no worker is left")
    wal = site.database.with_name("qcbox.db-wal")
    assert not wal.exists(), "the log was not folded into the database"


def _children_of(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if f"PPid:\t{parent}\n" in status.read_text():
                found.append(int(status.parent.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]
