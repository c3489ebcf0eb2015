"""The watched folder: what is taken, what is refused, what is left alone."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pydicom
import pydicom.data
import pytest
import structlog

from capture.dicom.reader import read
from capture.errors import Misuse
from capture.folder import FolderSettings, FolderSource, refusal
from capture.spool import Spool, SpoolSettings
from tests.disks import FailingDisk
from tests.receiver import unfinished

FILES = Path(pydicom.data.__file__).parent / "test_files"
CT = (FILES / "CT_small.dcm").read_bytes()


class Watched:
    """A folder, a spool, and a clock that a test sets."""

    def __init__(self, folder: Path, spool: Spool | None = None, **settings: object) -> None:
        self.root = folder / "in"
        self.root.mkdir()
        self.spool = spool or Spool(folder / "spool", SpoolSettings(min_free_mb=1))
        self.now = 0.0
        self.stop = threading.Event()
        values = FolderSettings.model_validate({"path": self.root, "still_s": 5, "label": "usb"} | settings)
        self.source = FolderSource(values, clock=lambda: self.now)

    def look(self, at: float) -> list[bytes]:
        self.now = at
        self.source.look(self.spool, self.root, self.stop)
        return [self.spool.path(arrival).read_bytes() for arrival in self.spool.pending()]

    def names(self) -> list[str]:
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if not p.is_dir())


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_file_that_is_still_is_taken_and_moved(watched: Watched) -> None:
    (watched.root / "DICOM" / "ST1").mkdir(parents=True)
    (watched.root / "DICOM" / "ST1" / "I1").write_bytes(CT)
    assert watched.look(0) == []
    assert watched.look(4.9) == []
    assert watched.look(5) == [CT]
    assert watched.names() == ["taken/DICOM/ST1/I1"]
    [arrival] = watched.spool.pending()
    assert (arrival.source, arrival.kind, arrival.peer) == ("folder", "dicom", "usb")
    assert watched.look(100) == [CT]


def test_a_file_that_grows_is_waited_for(watched: Watched) -> None:
    file = watched.root / "growing"
    file.write_bytes(CT[:1000])
    watched.look(0)
    file.write_bytes(CT)
    assert watched.look(6) == []
    assert watched.look(10.9) == []
    assert watched.look(11) == [CT]


def test_a_file_that_is_rewritten_while_it_is_read_is_waited_for(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = watched.root / "rewritten"
    file.write_bytes(CT)
    os.utime(file, ns=(1, 1))
    watched.look(0)
    receive = Spool.receive

    def rewrite(spool: Spool, **origin: object) -> object:
        monkeypatch.undo()
        os.utime(file, ns=(2, 2))
        return receive(spool, **origin)  # type: ignore[arg-type] # passed through

    monkeypatch.setattr(Spool, "receive", rewrite)
    assert watched.look(5) == []
    assert unfinished(watched.spool) == []
    watched.look(6)
    assert watched.look(11) == [CT]


def test_taken_files_may_be_deleted(tmp_path: Path) -> None:
    watched = Watched(tmp_path, after="delete", still_s=0)
    (watched.root / "a").write_bytes(CT)
    assert watched.look(0) == [CT]
    assert watched.names() == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("readme.txt", b"hello" * 100, "Not a DICOM file"),
        ("short", b"\x08\x00", "Not a DICOM file"),
        ("DICOMDIR", (FILES / "dicomdirtests" / "DICOMDIR").read_bytes(), "DICOMDIR"),
        ("renamed", (FILES / "dicomdirtests" / "DICOMDIR").read_bytes(), "DICOMDIR"),
        ("dicomdir", b"anything", "DICOMDIR"),
    ],
)
def test_other_files_are_put_aside_with_a_reason(name: str, content: bytes, reason: str, watched: Watched) -> None:
    (watched.root / name).write_bytes(content)
    watched.look(0)
    assert watched.look(5) == []
    assert watched.names() == [f"refused/{name}", f"refused/{name}.reason.txt"]
    assert reason in (watched.root / "refused" / f"{name}.reason.txt").read_text()


def test_objects_without_a_preamble_are_taken() -> None:
    for name in ("ExplVR_LitEndNoMeta.dcm", "ExplVR_BigEndNoMeta.dcm", "rtstruct.dcm"):
        assert refusal(name, (FILES / name).read_bytes()[:1024]) is None
    assert refusal("x", b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100") is None
    assert refusal("x", b"\x08\x00\x00\x00\x04\x00\x00\x00\x10\x00\x00\x00") is None
    assert refusal("x", b"\x08\x00\x00\x00\xff\xff\xff\xff\x10\x00\x00\x00") is not None


def test_links_and_special_files_are_left_alone(watched: Watched, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(CT)
    (watched.root / "link").symlink_to(secret)
    (watched.root / "folder").symlink_to(tmp_path)
    os.mkfifo(watched.root / "fifo")
    (watched.root / "empty").touch()
    watched.look(0)
    assert watched.look(9) == []
    assert watched.names() == ["empty", "fifo", "link"]


def test_a_file_that_becomes_a_fifo_stops_nothing(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    (watched.root / "a").write_bytes(CT)
    watched.look(0)
    monkeypatch.setattr("capture.folder.stat.S_ISREG", lambda mode: False)
    assert watched.look(5) == []
    monkeypatch.undo()
    assert watched.look(10) == [CT]


def test_equal_names_do_not_overwrite_each_other(watched: Watched) -> None:
    for at in (0.0, 10.0, 20.0):
        (watched.root / "I1").write_bytes(CT)
        watched.look(at)
        watched.look(at + 5)
    assert watched.names() == ["taken/I1", "taken/I1.1", "taken/I1.2"]


def test_a_full_disk_leaves_the_files_for_later(tmp_path: Path) -> None:
    disk = FailingDisk(room=1000)
    watched = Watched(tmp_path, Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1), disk=disk))
    for name in ("a", "b"):
        (watched.root / name).write_bytes(CT)
    watched.look(0)
    assert watched.look(5) == []
    disk.room = None
    assert watched.look(6) == [CT, CT]


def test_low_space_leaves_the_files_for_later(tmp_path: Path) -> None:
    class Low(FailingDisk):
        free = 1 << 20

        def free_bytes(self, folder: Path) -> int:
            return self.free

    disk = Low()
    watched = Watched(tmp_path, Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1), disk=disk), still_s=0)
    (watched.root / "a").write_bytes(CT)
    assert watched.look(0) == []
    disk.free = 1 << 30
    assert watched.look(1) == [CT]


def test_a_stick_that_cannot_be_written_is_read_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(path: Path, target: Path) -> Path:
        raise OSError(errno.EROFS, "read-only")

    (watched.root / "a").write_bytes(CT)
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: read_only(watched.root, watched.root))
    watched.look(0)
    assert watched.look(5) == [CT]
    assert watched.look(50) == [CT]
    assert watched.names() == ["a"]


def test_a_share_that_goes_away_is_said_once_and_waited_for(watched: Watched) -> None:
    with structlog.testing.capture_logs() as lines:
        watched.root.rmdir()
        watched.look(0)
        watched.look(1)
        watched.root.mkdir()
        watched.look(2)
    assert [line["event"] for line in lines] == ["folder.unreachable", "folder.reached"]


def test_names_of_files_are_not_logged(watched: Watched) -> None:
    with structlog.testing.capture_logs() as lines:
        (watched.root / "SENTINEL^NAME.dcm").write_bytes(CT)
        (watched.root / "SENTINEL^NAME.txt").write_bytes(b"no")
        watched.look(0)
        watched.look(5)
    assert {line["event"] for line in lines} == {"file.taken", "file.refused"}
    assert "SENTINEL" not in str(lines)


def test_it_runs_until_stopped(tmp_path: Path) -> None:
    watched = Watched(tmp_path, still_s=0, poll_s=0.01)
    (watched.root / "a").write_bytes(CT)
    ready = threading.Event()
    source = FolderSource(
        watched.source.settings,
        ready=ready.set,
        alive=lambda: watched.stop.set() if watched.spool.pending() else None,
    )
    source.run(watched.spool, watched.stop)
    assert ready.is_set()
    [arrival] = watched.spool.pending()
    assert read(watched.spool.path(arrival), arrival).exam.Modality == "CT"


def test_stop_is_heeded_between_files(watched: Watched) -> None:
    (watched.root / "a").write_bytes(CT)
    watched.look(0)
    watched.stop.set()
    assert watched.look(5) == []


def test_without_a_folder_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(Misuse) as raised:
        FolderSource(FolderSettings()).run(Spool(tmp_path), threading.Event())
    assert raised.value.code == "folder.unset"


def test_links_in_the_folder_lead_nowhere(watched: Watched, tmp_path: Path) -> None:
    """Whoever may write into the folder must not make the box write elsewhere."""
    victim = tmp_path / "pseudonym.key"
    victim.write_bytes(b"key")
    (watched.root / "x").write_bytes(b"no image")
    (watched.root / "refused").mkdir()
    (watched.root / "refused" / "x.reason.txt").symlink_to(victim)
    (watched.root / "refused" / "x").symlink_to(tmp_path / "nowhere")
    watched.look(0)
    watched.look(5)
    assert victim.read_bytes() == b"key"
    assert (watched.root / "refused" / "x.1").read_bytes() == b"no image"


def test_a_taken_folder_that_is_a_link_gets_nothing(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (watched.root / "taken").symlink_to(tmp_path / "elsewhere")
    (watched.root / "ST1").mkdir()
    (watched.root / "ST1" / "I1").write_bytes(CT)
    watched.look(0)
    assert watched.look(5) == [CT]
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert watched.look(100) == [CT]  # and not again and again


def test_a_subfolder_that_may_not_be_read_does_not_hide_the_others(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lost+found on every ext4 stick belongs to root."""
    (watched.root / "lost+found").mkdir()
    (watched.root / "I1").write_bytes(CT)
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if path.name == "lost+found":
            raise PermissionError(errno.EACCES, "not for us")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    watched.look(0)
    assert watched.look(5) == [CT]


def test_a_large_file_keeps_the_watchdog_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.folder._CHUNK", 1024)
    watched, calls = Watched(tmp_path), []
    watched.source = FolderSource(
        watched.source.settings, alive=lambda: calls.append(watched.now), clock=lambda: watched.now
    )
    (watched.root / "I1").write_bytes(CT)
    watched.look(0)
    assert watched.look(5) == [CT]
    assert calls.count(5) >= len(CT) // 1024
