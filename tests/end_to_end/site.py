"""A whole site on loopback: broker, centre, receiver and agent as real processes, and a modality that sends."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association

from capture.dicom.calling import connection_of, keep_answers
from capture.spool import Spool
from edge.pipeline.report import Pseudonymizer
from tests.factories import dx, uid
from tests.peers import Child, Mosquitto, Warm, accepts, free_port, python, wait_until

KEY = "key of the site"
MODULE = "tests.end_to_end.launch"


class Site:
    """Everything in ``folder``. Nothing runs before :meth:`start`."""

    def __init__(
        self, folder: Path, *, centre: bool = True, quiet_s: float = 15, study_quiet_s: float = 300,
        as_shipped: bool = False,
    ) -> None:  # fmt: skip
        """``as_shipped``: to be measured, with as many workers as a box has by itself, and no memory shared with
        the tests' nursery."""
        self.folder = folder
        self._as_shipped = as_shipped
        self._quiet = quiet_s, study_quiet_s
        self.dicom_port, self.console_port, self.portal_port = free_port(), free_port(), free_port()
        self.broker = Mosquitto(folder, queue=10)
        self.children: dict[str, Child] = {"broker": self.broker} if centre else {}
        self._configs = {"listen": self._box_config(centre), "central": self._central_config()}
        self._configs["agent"] = self._configs["listen"]
        for name in ("central", "listen", "agent") if centre else ("listen", "agent"):
            arguments, log = (name, str(self._configs[name])), folder / f"{name}.log"
            self.children[name] = (
                python("-m", MODULE, *arguments, log=log) if as_shipped else Warm(MODULE, *arguments, log=log)
            )

    @property
    def database(self) -> Path:
        """The box's database."""
        return self.folder / "box" / "qcbox.db"

    @property
    def central_database(self) -> Path:
        """The centre's database."""
        return self.folder / "central.db"

    def start(self) -> None:
        """Start everything and wait until each answers."""
        for name in self.children:
            self.revive(name)

    def plant(self, name: str, step: str, after: int) -> None:
        """Let a process that does not run begin a life that ends at a crash point."""
        self.children[name].argv += [step, str(after)]
        self.children[name].start()
        del self.children[name].argv[-2:]

    def revive(self, name: str) -> None:
        """Start a process that does not run, and wait until it answers."""
        self.children[name].start()
        self.wait_for(name)
        assert self.children[name].alive, f"{name} ended: {self.children[name].text()[-800:]}"

    def wait_for(self, name: str) -> None:
        """Until a process answers on its port, or has died."""
        child = self.children[name]
        port = {"listen": self.dicom_port, "agent": self.console_port, "central": self.portal_port}.get(name)
        if port is not None:
            wait_until(lambda: accepts(port) or not child.alive, f"{name} answers", 240)

    def close(self) -> None:
        """End everything."""
        for child in self.children.values():
            child.resume()
            child.kill()

    def logs(self) -> str:
        """All that the product's processes wrote."""
        return "".join(child.text() for name, child in self.children.items() if name != "broker")

    def _box_config(self, centre: bool) -> Path:
        path = self.folder / "qcbox.toml"
        workers = "" if self._as_shipped else "[workers]\ncount = 1"
        path.write_text(
            f"""
            box = "box-1"
            data_dir = "{self.folder / "box"}"
            [site]
            name = "test"
            pseudonym_key = "{KEY}"
            [spool]
            min_free_mb = 16
            written_ahead = 4
            [dicom]
            host = "127.0.0.1"
            port = {self.dicom_port}
            open = true
            [console]
            port = {self.console_port}
            {workers}
            [sets]
            quiet_s = {self._quiet[0]}
            study_quiet_s = {self._quiet[1]}
            [link]
            enabled = {str(centre).lower()}
            port = {self.broker.port}
            reconnect_first_s = 0.1
            reconnect_most_s = 0.5
            ack_timeout_s = 2
            drain_delay_s = 0
            """
        )
        return path

    def _central_config(self) -> Path:
        path = self.folder / "central.toml"
        path.write_text(
            f"""
            database_url = "sqlite:///{self.central_database}"
            [broker]
            port = {self.broker.port}
            reconnect_first_s = 0.1
            reconnect_most_s = 0.5
            [portal]
            port = {self.portal_port}
            """
        )
        return path


class Modality:
    """Sends objects one by one and, like a real one, sends again until it hears Success."""

    def __init__(self, port: int, make: Callable[[int], Dataset] | None = None) -> None:
        self._port = port
        self._make = make or small_image
        self._stop = threading.Event()
        self._association: Association | None = None
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.tried: list[str] = []
        """SOPInstanceUIDs begun, in order."""
        self.answered: list[str] = []
        """Those that were answered Success."""
        self.problem: BaseException | None = None

    def start(self, pause_s: float) -> None:
        """Send for as long as it is not stopped, with a pause after each object."""
        self._pause = pause_s
        self._thread.start()

    def stop(self) -> None:
        """Finish the object in hand (until it is answered), then end."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the modality never got its Success"
        assert self.problem is None, self.problem

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self.send(self._make(len(self.tried)))
                self._stop.wait(self._pause)
        except Exception as error:  # noqa: BLE001 - told to the test's own thread
            self.problem = error
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the association."""
        if self._association is not None:
            self._association.abort()
        self._disconnect()

    def send(self, image: Dataset) -> None:
        """One object, again and again until Success."""
        self.tried.append(image.SOPInstanceUID)
        while not self._send_once(image):
            threading.Event().wait(0.1)
        self.answered.append(image.SOPInstanceUID)

    def _send_once(self, image: Dataset) -> bool:
        if self._association is None or not self._association.is_established:
            scu = AE(ae_title="CHAOS")
            scu.acse_timeout = scu.dimse_timeout = scu.network_timeout = 5
            scu.add_requested_context(image.SOPClassUID, image.file_meta.TransferSyntaxUID)
            self._disconnect()
            opened: Any = (evt.EVT_CONN_OPEN, self._opened)
            self._association = scu.associate("127.0.0.1", self._port, ae_title="QCBOX", evt_handlers=[opened])
            if not self._association.is_established:
                return False
            keep_answers(self._association)
        try:
            answer = self._association.send_c_store(image)
        except (RuntimeError, ValueError):  # the association ended in the meantime
            return False
        return bool(answer) and answer.Status == 0x0000

    def _opened(self, event: evt.Event) -> None:
        self._connection = connection_of(event.assoc)

    def _disconnect(self) -> None:
        """pynetdicom leaves the socket open when the peer has died."""
        if self._connection is not None:
            self._connection.close()


def small_image(number: int) -> Dataset:
    """A small DX of its own patient and UID."""
    image = dx(SOPInstanceUID=uid("chaos", number), PatientID=f"P{number}")
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a live database, read from outside."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(sql).fetchall()


def spool_is_empty(site: Site) -> bool:
    """Whether the agent took everything."""
    return Spool(site.folder / "box" / "spool").pending(1) == []


def settle(site: Site) -> None:
    """Wait until nothing is on its way any more."""
    wait_until(lambda: spool_is_empty(site), "the spool is empty", 60)
    waiting = "select count(*) from case_ where state in ('held', 'judging', 'waiting_retry') and kind = 'dicom'"
    wait_until(lambda: query(site.database, waiting) == [(0,)], "every image has its verdict", 400)
    if "central" in site.children:
        pending = "select count(*) from outbox where state = 'pending'"
        wait_until(lambda: query(site.database, pending) == [(0,)], "the centre has everything", 120)


def complaints(site: Site, modality: Modality) -> list[str]:
    """What is wrong after everything settled: lost, doubled or invented, at the box or at the centre."""
    rows = query(
        site.database,
        "select a.sop_uid, count(distinct c.id), count(v.id) from case_ c"
        " left join acquisition a on a.case_id = c.id left join verdict v on v.case_id = c.id"
        " where c.state <> 'duplicate' group by 1",
    )
    at_box = {sop_uid: (cases, verdicts) for sop_uid, cases, verdicts in rows}
    found = [f"box lost {one}" for one in modality.answered if one not in at_box]
    found += [f"box doubled {one}: {counts}" for one, counts in at_box.items() if counts != (1, 1)]
    found += [f"box invented {one}" for one in at_box if one not in set(modality.tried)]
    aside = list((site.folder / "box" / "spool" / "aside").iterdir())
    found += [f"left aside in the spool: {path.name}" for path in aside]
    states = query(site.database, "select distinct state from case_")
    ended = {("judged",), ("duplicate",)} if "central" not in site.children else {("reported",), ("duplicate",)}
    found += [f"a case ended as {state}" for state in set(states) - ended]
    return found + (_complaints_of_centre(site, set(at_box)) if "central" in site.children else [])


def _complaints_of_centre(site: Site, at_box: set[str]) -> list[str]:
    name = Pseudonymizer(KEY.encode())
    wanted = {name("instance", one) for one in at_box}
    rows = query(site.central_database, "select instance, count(*) from result group by 1")
    found = [f"centre doubled {one}: {count}" for one, count in rows if count != 1]
    at_centre = {one for one, _ in rows}
    found += [f"centre lost {one}" for one in wanted - at_centre]
    found += [f"centre invented {one}" for one in at_centre - wanted]
    seqs = sorted(seq for (seq,) in query(site.central_database, "select seq from event"))
    if seqs != list(range(1, len(seqs) + 1)):
        found.append("the centre's numbers have a gap or a double")
    found += [f"dead letter {row}" for row in query(site.central_database, "select code, detail from dead_letter")]
    return found
