"""Other people's senders: DCMTK's storescu and echoscu, pynetdicom; every object that packages ship."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydicom
import pydicom.data
import pytest
import trustme
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID
from pynetdicom import AE, _config

from capture.dicom.uids import is_storage
from tests.peers import Child, accepts, free_port, wait_until
from tests.receiver import Receiver, data_set_of, images

pytestmark = pytest.mark.real
CT = Path(pydicom.data.__file__).parent / "test_files" / "CT_small.dcm"


def shipped() -> list[Path]:
    """Every Part 10 object of pydicom and pydicom-data with a storage class."""
    found = []
    folders = [CT.parent, *(Path(p) for p in _data_folders())]
    for path in sorted({p for folder in folders for p in folder.rglob("*") if p.is_file()}):
        try:
            meta = pydicom.filereader.read_file_meta_info(path)
        except (InvalidDicomError, EOFError, OSError, ValueError):
            continue
        if is_storage(str(meta.get("MediaStorageSOPClassUID", ""))) and "TransferSyntaxUID" in meta:
            found.append(path)
    return found


def data_set_in(path: Path) -> bytes:
    """What follows the file meta information, whether or not its group length is there."""
    with path.open("rb") as file:
        pydicom.filereader.read_preamble(file, force=False)
        pydicom.filereader._read_file_meta_info(file)
        return file.read()


def _data_folders() -> list[str]:
    import data_store

    return [str(Path(data_store.__file__).parent)]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path) as running:
        yield running


def storescu(port: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["storescu", "-v", "127.0.0.1", str(port), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_every_shipped_object_comes_through_byte_for_byte(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pynetdicom sends the file's own data set bytes when it sends in chunks, so both ends can be compared."""
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)
    monkeypatch.setattr(_config, "UNRESTRICTED_STORAGE_SERVICE", True)
    paths = shipped()
    assert len(paths) > 100
    metas = {path: pydicom.filereader.read_file_meta_info(path) for path in paths}
    kinds = sorted({(str(m.MediaStorageSOPClassUID), str(m.TransferSyntaxUID)) for m in metas.values()})
    assert len(kinds) <= 128, "one association would no longer do"
    ae = AE()
    for sop_class, syntax in kinds:
        ae.add_requested_context(sop_class, syntax)
    association = ae.associate("127.0.0.1", receiver.port)
    assert len(association.accepted_contexts) == len(kinds)
    for path in paths:
        assert association.send_c_store(path).Status == 0, path.name
    association.release()
    got = receiver.contents()
    assert len(got) == len(paths)
    for path, (arrival, content) in zip(paths, got, strict=True):
        meta = metas[path]
        assert data_set_of(content) == data_set_in(path), path.name
        kept = pydicom.filereader.read_file_meta_info(receiver.spool.path(arrival))
        for keyword in ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID"):
            assert kept[keyword] == meta[keyword], path.name


JPEG = CT.parent / "JPEG-lossy.dcm"
OPTIONS = [
    ([], CT), (["-xe"], CT), (["-xb"], CT), (["-xi"], CT), (["-xd"], CT), (["-R"], CT), (["+C"], CT),
    (["-R"], JPEG), (["-xs"], CT.parent / "JPGLosslessP14SV1_1s_1f_8b.dcm"), (["-xx"], JPEG),
    (["-xv"], CT.parent / "US1_J2KR.dcm"), (["-xw"], CT.parent / "JPEG2000.dcm"),
    (["-xt"], CT.parent / "emri_small_jpeg_ls_lossless.dcm"), (["-xr"], CT.parent / "MR_small_RLE.dcm"),
    (["--max-send-pdu", "4096"], CT), (["-pdu", "4096"], CT), (["--repeat", "3"], CT), (["--abort"], CT),
    (["-up"], CT), (["-usr", "bob"], CT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "path"), OPTIONS, ids=lambda v: " ".join(v) if isinstance(v, list) else v.name
)
def test_storescu_options_give_what_storescp_got(
    options: list[str], path: Path, receiver: Receiver, tmp_path: Path
) -> None:
    """DCMTK's own receiver in bit-preserving mode is the oracle: same sender, same bytes, same exit status."""
    port, folder = free_port(), tmp_path / "theirs"
    folder.mkdir()
    with Child(["storescp", "+B", "+uf", "+xa", "-od", str(folder), str(port)], tmp_path / "storescp.log"):
        wait_until(lambda: accepts(port), "storescp listens")
        theirs = storescu(port, *options, path)
        wait_until(lambda: theirs.returncode or any(folder.iterdir()), "storescp has stored")
        stored = [data_set_of(file.read_bytes()) for file in folder.iterdir()]
    ours = storescu(receiver.port, *options, path)
    assert ours.returncode == theirs.returncode, ours.stderr
    assert stored or theirs.returncode, "this option tests nothing"
    got = {data_set_of(content) for _, content in receiver.contents()}
    assert got == set(stored)


def test_a_user_identity_is_answered(receiver: Receiver) -> None:
    """storescp does not answer it, so it cannot be the oracle here."""
    assert storescu(receiver.port, "-usr", "bob", "-rsp", CT).returncode == 0


def test_echoscu(receiver: Receiver) -> None:
    command = ["echoscu", "--propose-pc", "20", "--repeat", "5", "127.0.0.1", str(receiver.port)]
    assert subprocess.run(command, timeout=30, check=False).returncode == 0


def test_many_associations_at_once(receiver: Receiver, tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    folder.mkdir()
    image = pydicom.dcmread(CT)
    for number in range(12):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.826.{number}")
        image.save_as(folder / f"{number}.dcm")
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda _: storescu(receiver.port, "+sd", folder), range(6)))
    assert [end.returncode for end in ends] == [0] * 6
    assert len(images(receiver.spool)) == 72
    assert len({arrival.sha256 for arrival in images(receiver.spool)}) == 12


def test_a_full_disk_and_the_senders_retry(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver.spool.disk, "free_bytes", lambda folder: 0, raising=False)
    refused = storescu(receiver.port, CT)
    assert refused.returncode != 0 or "A700" in refused.stderr.upper() or "Resources" in refused.stderr
    assert receiver.contents() == []
    monkeypatch.undo()
    assert storescu(receiver.port, CT).returncode == 0
    assert len(receiver.contents()) == 1


def test_a_sender_killed_in_mid_image_leaves_nothing(receiver: Receiver, tmp_path: Path) -> None:
    image = pydicom.dcmread(CT)
    image.Rows = image.Columns = 4096
    image.PixelData = bytes(4096 * 4096 * 2)
    image.save_as(tmp_path / "large.dcm")
    command = ["storescu", "--max-send-pdu", "4096", "127.0.0.1", str(receiver.port), str(tmp_path / "large.dcm")]
    with subprocess.Popen(command) as sender:
        wait_until(receiver.left_overs, "the object is under way")
        sender.kill()
    wait_until(lambda: not receiver.left_overs(), "nothing is left behind")
    assert len(receiver.contents()) <= 1  # one, if the sender was quicker than the kill
    assert storescu(receiver.port, CT).returncode == 0


def test_mutual_tls_with_storescu(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name in ("box", "ct1"):
        issued = ca.issue_cert("localhost", common_name=name)
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    tls = {"certificate": tmp_path / "box.pem", "key": tmp_path / "box.key", "ca": tmp_path / "ca.pem"}
    with Receiver(tmp_path, tls=tls) as receiver:
        with_certificate = ("+tls", tmp_path / "ct1.key", tmp_path / "ct1.pem", "+cf", tmp_path / "ca.pem")
        sent = storescu(receiver.port, *with_certificate, CT)
        assert sent.returncode == 0, sent.stderr
        assert storescu(receiver.port, "+tla", "+cf", tmp_path / "ca.pem", CT).returncode != 0
        assert storescu(receiver.port, CT).returncode != 0
        assert len(receiver.contents()) == 1


def test_two_pynetdicom_senders_do_not_wait_for_each_other(receiver: Receiver) -> None:
    ae = AE()
    ae.add_requested_context("1.2.840.10008.1.1")
    held = ae.associate("127.0.0.1", receiver.port)
    done = threading.Event()

    def echo() -> None:
        other = ae.associate("127.0.0.1", receiver.port)
        if other.send_c_echo().Status == 0:
            done.set()
        other.release()

    threading.Thread(target=echo).start()
    assert done.wait(20)
    held.release()
