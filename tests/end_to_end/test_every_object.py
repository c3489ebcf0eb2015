"""Every object that packages (and ../shared) hold, through the receiver or the folder: a verdict or a reason.

What storescu can read goes by C-STORE; the rest (no meta header, not DICOM at all) by the watched folder. No
crash, no hang: every file is accounted for, and the agent is the process it was.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from capture.errors import Retry
from deploy.demo.outcome import at_box
from deploy.demo.sending import storescu
from deploy.demo.site import Site
from tests.peers import ROOT, wait_until

# pydicom warns of much while the test itself looks at the objects; the product runs in its own processes.
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]

SHARED = ROOT.parent / "shared" / "data" / "dicom"
PACKAGED = [Path(str(files("pydicom"))) / "data" / "test_files", Path(str(files("data_store"))) / "data"]


def every_file(folders: Iterable[Path]) -> list[Path]:
    """All files below, smallest first, so that a failure shows early."""
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sorted((path for path in found if path.suffix != ".py"), key=lambda path: path.stat().st_size)


def by_syntax(paths: Iterable[Path]) -> tuple[dict[str, list[Path]], list[Path]]:
    """What can be sent, by transfer syntax, and the rest. DICOMDIRs are indexes: no device sends one."""
    sendable: dict[str, list[Path]] = defaultdict(list)
    rest = []
    for path in paths:
        try:
            meta = dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
            syntax = str(meta.file_meta.TransferSyntaxUID)
            named = (
                meta.get("SOPInstanceUID")
                and meta.file_meta.MediaStorageSOPClassUID.name != "Media Storage Directory Storage"
            )
        except (InvalidDicomError, AttributeError, KeyError, ValueError, OSError, NotImplementedError):
            rest.append(path)
            continue
        (sendable[syntax] if named else rest).append(path)
    return dict(sendable), rest


def send_each(site: Site, syntax: str, paths: list[Path]) -> list[Path]:
    """Send file by file; the ones that storescu itself cannot read are returned."""
    unsent = []
    for path in paths:
        try:
            storescu(site.dicom_port, syntax, [path])
        except Retry:
            unsent.append(path)
    return unsent


def settled(site: Site) -> int:
    """How many arrivals have come to their end."""
    ended = {"judged", "reported", "set_aside", "duplicate"}
    return sum(outcome.state in ended for outcome in at_box(site.folder / "box" / "qcbox.db"))


def account_for(site: Site, paths: list[Path]) -> dict[str, int]:
    """Send or drop every file, wait until each has come to its end, and count by state."""
    sendable, rest = by_syntax(paths)
    for syntax, group in sendable.items():
        rest += send_each(site, syntax, group)
    for number, path in enumerate(rest):
        shutil.copyfile(path, site.inbox / f"{number}")
    refused, taken = site.inbox / "refused", site.inbox / "taken"
    wait_until(lambda: not [p for p in site.inbox.iterdir() if p.is_file()], "the folder is empty", 120)
    turned_away = len([p for p in refused.rglob("*") if p.is_file()]) // 2 if refused.exists() else 0
    assert turned_away + (len(list(taken.iterdir())) if taken.exists() else 0) == len(rest)
    expected = len(paths) - turned_away
    wait_until(lambda: settled(site) >= expected, f"{expected} objects have come to their end", 300)
    states: dict[str, int] = defaultdict(int, refused=turned_away)
    for outcome in at_box(site.folder / "box" / "qcbox.db"):
        states[outcome.state] += 1
        assert outcome.verdicts == (0 if outcome.state == "duplicate" else 1)
        assert outcome.alerts == outcome.verdicts, "nothing is judged or set aside in silence"
        assert outcome.state != "set_aside" or outcome.grade is None
    assert sum(states.values()) == len(paths)
    return dict(states)


def test_every_packaged_object(tmp_path: Path) -> None:
    with Site(tmp_path / "site", with_centre=False) as site:
        agent, listener = site.agent.pid, site.listener.pid
        states = account_for(site, every_file(PACKAGED))
        assert (site.agent.pid, site.listener.pid) == (agent, listener) and site.agent.alive
        assert "Traceback" not in site.agent.text() + site.listener.text()
    print(states)


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data/dicom is not here")
def test_every_shared_object(tmp_path: Path) -> None:
    with Site(tmp_path / "site", with_centre=False) as site:
        paths = [path for path in every_file([SHARED]) if path.suffix != ".csv"]
        states = account_for(site, paths)
        assert site.agent.alive and "Traceback" not in site.agent.text() + site.listener.text()
    print(states)
