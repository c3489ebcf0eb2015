"""Other people's senders: DCMTK's storescu and echoscu, pynetdicom; every object that packages ship."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom.encaps import encapsulate
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID
from pynetdicom import AE, _config

from capture.dicom.calling import keep_answers
from capture.dicom.uids import is_storage
from tests.certificates import Certificates, make
from tests.peers import PATIENCE_S, Child, accepts, free_port, wait_until
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
    keep_answers(association)
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


SYNTAXES = {
    "-xs": "70", "-xy": "50", "-xx": "51", "-xv": "90", "-xw": "91", "-xt": "80", "-xu": "81", "-xm": "100",
    "-xh": "101", "-xn": "102", "-xl": "103", "-x2": "104", "-x3": "105", "-xo": "106", "-x4": "107", "-x5": "108",
}  # fmt: skip
"""What storescu can propose beside the uncompressed ones, and the end of its transfer syntax UID."""


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An object in each transfer syntax (what is compressed need not be a picture: nobody looks), and odd ones."""
    folder = tmp_path_factory.mktemp("objects")
    shutil.copy(CT, folder / "CT")
    for option, end in SYNTAXES.items():
        image = pydicom.dcmread(CT)
        image.file_meta.TransferSyntaxUID = UID(f"1.2.840.10008.1.2.4.{end}")
        image.PixelData = encapsulate([option.encode() * 1001])
        image["PixelData"].is_undefined_length = True
        image.save_as(folder / option)
    shutil.copy(CT.parent / "MR_small_RLE.dcm", folder / "-xr")
    (folder / "bare").write_bytes(data_set_in(CT))
    (folder / "broken").write_bytes(b"no DICOM at all")
    (folder / "ticket").write_bytes(b"who I am")
    padded = pydicom.dcmread(CT)
    padded.save_as(folder / "padded")
    uid = str(padded.SOPInstanceUID).encode()
    content = (folder / "padded").read_bytes()
    (folder / "padded").write_bytes(content.replace(uid + b"\0" * (len(uid) % 2), uid + b" " * (len(uid) % 2)))
    (folder / "profile.cfg").write_text(PROFILE)
    (folder / "several").mkdir()
    for number in range(3):
        padded.SOPInstanceUID = padded.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.826.0.1.{number}")
        padded.save_as(folder / "several" / f"{number}.dcm")
    return folder


PROFILE = """[[TransferSyntaxes]]
[Compressed]
TransferSyntax1 = JPEG2000LosslessOnly
[Plain]
TransferSyntax1 = LittleEndianExplicit
[[PresentationContexts]]
[Few]
PresentationContext1 = CTImageStorage\\Compressed
PresentationContext2 = CTImageStorage\\Plain
[[Profiles]]
[Mine]
PresentationContexts = Few
"""

SENT = [
    *((option, option) for option in (*SYNTAXES, "-xr")),
    *((f"-R {option}", option) for option in ("-xs", "-xv", "-xr")),
    *((option, "CT") for option in ("-x=", "-xe", "-xb", "-xi", "-xd", "-R", "+C", "-u", "-aec PACS -aet CT1")),
    ("-xf {folder}/profile.cfg Mine", "CT"), ("-f", "bare"), ("-up", "padded"), ("+sd +r", "several"),
    ("-nh", "broken"), ("-nh {folder}/broken", "CT"), ("{folder}/broken", "CT"), ("-xi", "-xv"),
    ("-nh {folder}/-xv", "CT"), *((f"-pdu {n}", "CT") for n in (4096, 16384, 131072)),
    *((f"--max-send-pdu {n}", "CT") for n in (4096, 131072)), ("--repeat 3", "CT"), ("--abort", "CT"),
    ("-to 9 -ts 9 -ta 9 -td 9", "CT"), ("-usr bob", "CT"), ("-usr bob -pwd secret", "CT"), ("-usr bob -epw", "CT"),
    *((f"{kind} {{folder}}/ticket", "CT") for kind in ("-kt", "--saml", "--jwt")),
    *((f"{option} --repeat 2", "CT") for option in ("+II", "+IR 1", "+IS 1", "+IP 1")),
]  # fmt: skip
"""Options, and what is sent. Not here: +C with a compressed syntax, where each acceptor may choose another one."""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """DCMTK's own receiver in bit-preserving mode: port and folder."""
    port, folder = free_port(), tmp_path_factory.mktemp("theirs")
    log = tmp_path_factory.mktemp("log") / "storescp.log"
    with Child(["storescp", "+B", "+uf", "+xa", "-od", str(folder), str(port)], log):
        wait_until(lambda: accepts(port), "storescp listens")
        yield port, folder


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("ours")) as running:
        yield running


@pytest.mark.parametrize(("options", "name"), SENT, ids=str)
def test_storescu_options_give_what_storescp_got(
    options: str, name: str, ours: Receiver, theirs: tuple[int, Path], objects: Path
) -> None:
    """The oracle: same sender, same bytes, same exit status."""
    port, folder = theirs
    arguments = [*options.format(folder=objects).split(), str(objects / name)]
    before = len(images(ours.spool))
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(storescu, port, *arguments)
        sent = storescu(ours.port, *arguments)
        oracle = asked.result()
    stored = [file.read_bytes() for file in folder.iterdir()]
    for file in folder.iterdir():
        file.unlink()
    assert sent.returncode == oracle.returncode, sent.stderr
    assert stored or "broken" in options + name or oracle.returncode, "this option tests nothing"
    got = [ours.spool.path(arrival).read_bytes() for arrival in images(ours.spool)[before:]]
    assert len(got) == len(stored)
    if "+I" not in options:  # those invent UIDs
        assert {data_set_of(content) for content in got} == {data_set_of(content) for content in stored}


def test_storescu_renames_what_was_taken(receiver: Receiver, objects: Path, tmp_path: Path) -> None:
    for name in ("CT", "broken"):
        shutil.copy(objects / name, tmp_path / name)
    storescu(receiver.port, "-nh", "+rn", tmp_path / "broken", tmp_path / "CT")
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"CT.done", "broken.bad"}


SECURED = {
    "": True,
    "+py": True,
    "+px": True,
    "+pz": True,
    "-ic": True,
    "+pa": False,
    "none": False,
    "plain": False,
}
"""DCMTK's profiles of PS3.15 annex B (+pa is retired: RSA key exchange and SHA-1), no certificate, no TLS."""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Receiver, Certificates]]:
    pki = make(tmp_path_factory.mktemp("pki"))
    server = {"certificate": pki.path("peer.pem"), "key": pki.path("peer.key"), "ca": pki.path("ca.pem")}
    with Receiver(tmp_path_factory.mktemp("secured"), tls=server) as running:
        yield running, pki


@pytest.mark.parametrize(("options", "welcome"), SECURED.items())
def test_mutual_tls_with_storescu(options: str, welcome: bool, secured: tuple[Receiver, Certificates]) -> None:
    receiver, pki = secured
    before = len(images(receiver.spool))
    own: list[str | Path] = [
        "+tls",
        pki.path("box.key"),
        pki.path("box.pem"),
        "+cf",
        pki.path("ca.pem"),
        *options.split(),
    ]
    others: dict[str, list[str | Path]] = {"none": ["+tla", "+cf", pki.path("ca.pem")], "plain": []}
    sent = storescu(receiver.port, *others.get(options, own), CT)
    assert (sent.returncode == 0) == welcome == (len(images(receiver.spool)) > before), sent.stderr


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
    assert len({arrival.digest for arrival in images(receiver.spool)}) == 12


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
        wait_until(lambda: receiver.left_overs() or receiver.contents(), "the object is under way")
        sender.kill()
    wait_until(lambda: not receiver.left_overs(), "nothing is left behind")
    assert len(receiver.contents()) <= 1  # one, if the sender was quicker than the kill
    assert storescu(receiver.port, CT).returncode == 0


def test_two_pynetdicom_senders_do_not_wait_for_each_other(receiver: Receiver) -> None:
    ae = AE()
    ae.add_requested_context("1.2.840.10008.1.1")
    held = ae.associate("127.0.0.1", receiver.port)
    keep_answers(held)
    done = threading.Event()

    def echo() -> None:
        other = ae.associate("127.0.0.1", receiver.port)
        keep_answers(other)
        if other.send_c_echo().Status == 0:
            done.set()
        other.release()

    beside = threading.Thread(target=echo)
    beside.start()
    assert done.wait(PATIENCE_S)
    beside.join()
    held.release()
