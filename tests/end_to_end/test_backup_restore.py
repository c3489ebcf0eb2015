"""A box that lost its disk comes back from a backup and goes on: real processes, the real command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.site import Modality, Site, query, settle, small_image
from tests.peers import ROOT, wait_until

VERDICTS = "select c.sha256, v.grade, v.score from verdict v join case_ c on c.id = v.case_id order by v.id"


def qcbox(*arguments: str) -> None:
    command = [sys.executable, "-m", "edge", *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.slow
@pytest.mark.real
def test_a_box_comes_back_and_goes_on(tmp_path: Path) -> None:
    site = Site(tmp_path)
    config, vault = str(tmp_path / "qcbox.toml"), str(tmp_path / "vault")
    try:
        site.start()
        modality = Modality(site.dicom_port)
        for number in range(3):
            modality.send(small_image(number))
        wait_until(lambda: len(query(site.database, VERDICTS)) == 3, "three verdicts")
        settle(site)
        before = query(site.database, VERDICTS)
        qcbox("backup", vault, "--config", config)
        for name in ("listen", "agent"):
            site.children[name].kill()
        (tmp_path / "box").rename(tmp_path / "broken")
        qcbox("restore", vault, "--config", config)
        assert query(site.database, VERDICTS) == before
        for name in ("listen", "agent"):
            site.revive(name)
        again = Modality(site.dicom_port)
        again.send(small_image(2))
        again.send(small_image(3))
        wait_until(lambda: len(query(site.database, VERDICTS)) == 4, "the fourth verdict")
        settle(site)
        assert query(site.database, "select count(*) from case_ where state = 'duplicate'") == [(1,)]
        streams = query(site.central_database, "select stream, count(*) from event group by 1 order by min(id)")
        assert [count for _, count in streams] == [3, 1]
        for one in (modality, again):
            one.close()
    finally:
        site.close()
