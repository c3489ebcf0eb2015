"""The port: limits, silence, slowness, stopping, TLS, and what it will not start with."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme
from pydantic import ValidationError

from capture.dicom.branch import Branch, _serve
from capture.dicom.host import Guest, Host
from capture.dicom.listener import Listener
from capture.dicom.peers import plain_address
from capture.dicom.settings import DicomSettings, Peer, TlsSettings
from capture.errors import Misuse
from capture.incoming import STRIDE
from capture.spool import Spool
from tests.peers import wait_until
from tests.receiver import CT, Raw, Receiver, associate_rq, data_set_of, echo_rq, many, pdata, proposal, store_rq

REJECT_TRANSIENT = (3, bytes((0, 2, 3, 1)))


def test_a_hundred_silent_connections_delay_nobody(tmp_path: Path) -> None:
    with Receiver(tmp_path) as receiver, many(receiver.port, 100):
        for _ in range(3):
            receiver.assert_serves()


def test_silence_ends_a_connection(tmp_path: Path) -> None:
    with Receiver(tmp_path, first_pdu_timeout_s=0.2) as receiver, Raw(receiver.port) as raw:
        assert raw.closed()


def test_a_trickle_ends_a_connection(tmp_path: Path) -> None:
    """One byte now and then is no sign of life."""
    with Receiver(tmp_path, first_pdu_timeout_s=0.5) as receiver, Raw(receiver.port) as raw:
        request = associate_rq([proposal(1, CT, ["1.2.840.10008.1.2"])])
        with pytest.raises(OSError, match=r"reset|pipe"):
            for byte in request * 1000:
                raw.send(bytes((byte,)))
                time.sleep(0.01)


HALF = pdata((1, 3, store_rq())) + pdata((1, 0, bytes(500)))


@pytest.mark.parametrize("sent", [b"", HALF], ids=["idle", "mid-image"])
def test_silence_ends_an_association(sent: bytes, tmp_path: Path) -> None:
    with Receiver(tmp_path, idle_timeout_s=0.2, stall_timeout_s=0.2) as receiver, Raw(receiver.port) as raw:
        raw.associate()
        raw.send(sent)
        assert raw.closed()
        wait_until(lambda: not receiver.left_overs(), "nothing is left behind")
        assert receiver.contents() == []


@pytest.mark.parametrize("limit", ["max_associations", "max_per_address"])
def test_over_the_limit_is_rejected_for_now(limit: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {limit: 2}
    with Receiver(tmp_path, **settings) as receiver:
        with Raw(receiver.port) as first, Raw(receiver.port) as second:
            first.associate()
            second.associate()
            with Raw(receiver.port) as third:
                third.send(associate_rq([]))
                assert third.pdu() == REJECT_TRANSIENT
                assert third.closed()
            first.send(pdata((3, 3, echo_rq())))
            assert first.status() == 0
        wait_until(lambda: not receiver.listener.guests, "the places are free again")
        receiver.assert_serves()


def test_who_sees_its_connection_closed_has_its_place_back(tmp_path: Path) -> None:
    with Receiver(tmp_path, max_associations=1) as receiver:
        for _ in range(20):
            with Raw(receiver.port) as raw:
                raw.associate()
                raw.send(b"\x05\x00", struct.pack(">I", 4), bytes(4))
                assert raw.pdu()[0] == 6
                assert raw.closed()
                with Raw(receiver.port) as next_one:  # while the receiver waits for us to close ours
                    next_one.associate()
                    next_one.send(b"\x07\x00", struct.pack(">I", 4), bytes(4))
                    assert next_one.closed()


def test_a_listener_that_left_without_hearing_a_branch_out_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """unix(7): who closes with something unread resets the other end."""
    monkeypatch.setattr("capture.dicom.branch.signal.signal", lambda number, handler: None)
    listener, line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with line:
        line.send(b"unheard")
        listener.close()
        _serve(line, Host(DicomSettings(open=True), Spool(tmp_path / "spool"), lambda step: None))


def test_a_branch_that_ends_is_heard_out_first(tmp_path: Path) -> None:
    """Who left it before its end must not keep a place for ever."""

    def make() -> Host:
        raise OSError("it cannot begin")

    branch = Branch(make, [])
    branch.wait(60.0)
    there, line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    branch.line.close()
    branch.line = line
    line.setblocking(False)
    left, right = socket.socketpair()
    with left, right, line:
        branch.guests = {7: Guest("10.0.0.1", left, 0.0), 8: Guest("10.0.0.2", right, 0.0)}
        there.send(struct.pack("@Q", 7))
        there.close()
        assert [guest.peer for guest in branch.ended()] == ["10.0.0.1"]
        with pytest.raises(EOFError):
            branch.ended()
        assert list(branch.guests) == [8]


def test_few_may_linger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is served has no place any more, so whoever never closes its end would fill the process with threads."""
    monkeypatch.setattr("capture.dicom.host._LINGER_S", 60.0)
    monkeypatch.setattr("capture.dicom.host._LINGERING", 0)
    with Receiver(tmp_path) as receiver, Raw(receiver.port) as raw:
        raw.associate()
        raw.send(b"\x05\x00", struct.pack(">I", 4), bytes(4))
        assert raw.pdu()[0] == 6
        wait_until(lambda: not receiver.listener.guests, "it is let go")


def test_a_refused_peer_that_talks_nonsense_is_aborted(tmp_path: Path) -> None:
    with (
        Receiver(tmp_path, max_associations=1) as receiver,
        Raw(receiver.port) as first,
        Raw(receiver.port) as second,
    ):
        first.associate()
        second.send(b"GET / HTTP/1.1\r\n\r\n")
        assert second.pdu()[0] == 7


def test_more_than_can_be_refused_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.dicom.listener.BEING_REFUSED", 1)
    with Receiver(tmp_path, max_associations=1) as receiver, Raw(receiver.port) as first, Raw(receiver.port):
        first.associate()
        with Raw(receiver.port) as third:
            assert third.closed()


def test_stop_lets_an_object_finish_and_ends_the_idle(tmp_path: Path) -> None:
    with Receiver(tmp_path, stop_grace_s=10.0) as receiver, Raw(receiver.port) as busy, Raw(receiver.port) as idle:
        busy.associate()
        idle.associate()
        busy.send(pdata((1, 3, store_rq())), pdata((1, 0, bytes(STRIDE))))
        wait_until(receiver.left_overs, "the object is under way")
        receiver.stop.set()
        assert idle.pdu() == (7, bytes(4))
        busy.send(pdata((1, 2, b"last")))
        assert busy.status() == 0
        assert busy.pdu() == (7, bytes(4))
        assert data_set_of(receiver.contents()[0][1]) == bytes(STRIDE) + b"last"


def test_stop_cuts_what_does_not_finish(tmp_path: Path) -> None:
    with Receiver(tmp_path, stop_grace_s=0.1) as receiver, Raw(receiver.port) as raw:
        raw.associate()
        raw.send(pdata((1, 3, store_rq())), pdata((1, 0, bytes(STRIDE))))
        wait_until(receiver.left_overs, "the object is under way")
        receiver.stop.set()
        assert raw.closed()
    assert receiver.left_overs() == [] and receiver.contents() == []


def test_a_peer_that_does_not_read_is_left(tmp_path: Path) -> None:
    """Endless requests, no answer read: the association ends, others are served."""
    with Receiver(tmp_path, idle_timeout_s=0.3, stall_timeout_s=0.3) as receiver, Raw(receiver.port) as raw:
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.associate()
        raw.socket.settimeout(0.3)
        with pytest.raises(OSError):
            while True:
                raw.send(pdata((3, 3, echo_rq())) * 1000)
        wait_until(lambda: not receiver.listener.guests, "the association has ended")
        receiver.assert_serves()


def test_out_of_descriptors_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OSError(24, "Too many open files"), ConnectionAbortedError(103, "gone")]
    accept = socket.socket.accept

    def sometimes(listening: socket.socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", sometimes)
    with Receiver(tmp_path) as receiver:
        receiver.assert_serves()
    assert failures == []


def test_out_of_threads_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver(tmp_path) as receiver:
        start = threading.Thread.start

        def refuse(thread: threading.Thread) -> None:
            monkeypatch.setattr(threading.Thread, "start", start)
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        with Raw(receiver.port) as raw:
            raw.send(b"\x01")
            assert raw.closed()
        receiver.assert_serves()


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with Receiver(tmp_path) as receiver, pytest.raises(Misuse) as raised:
        Listener(DicomSettings(host="127.0.0.1", port=receiver.port), receiver.spool)
    assert raised.value.code == "listener.port"
    assert str(receiver.port) in raised.value.say("zh")


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8::5", "2001:db8::5"),
    ],
)
def test_addresses_are_written_one_way(address: str, plain: str) -> None:
    assert plain_address(address) == plain


def test_ipv6_and_ipv4_on_one_port(tmp_path: Path) -> None:
    with Receiver(tmp_path, host="::") as receiver:
        receiver.assert_serves()
        with Raw(receiver.port) as raw:
            raw.associate()
            raw.send(pdata((1, 3, store_rq())), pdata((1, 2, b"x")))
            assert raw.status() == 0
        assert receiver.contents()[0][0].peer == "127.0.0.1"


def tls_settings(folder: Path, ca: trustme.CA, **more: bool) -> TlsSettings:
    server = ca.issue_cert("localhost")
    server.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    server.private_key_pem.write_to_path(folder / "key.pem")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    return TlsSettings(certificate=folder / "cert.pem", key=folder / "key.pem", ca=folder / "ca.pem", **more)


def test_tls_takes_only_devices_with_a_certificate(tmp_path: Path) -> None:
    ca, other = trustme.CA(), trustme.CA()
    with Receiver(tmp_path, tls=tls_settings(tmp_path, ca)) as receiver:
        for issuer, welcome in ((None, False), (other, False), (ca, True)):
            context = ssl.create_default_context()
            ca.configure_trust(context)
            if issuer is not None:
                issuer.issue_cert("ct1.hospital").configure_cert(context)
            raw = Raw(receiver.port)
            plain = raw.socket
            try:
                raw.socket = context.wrap_socket(plain, server_hostname="localhost")
                raw.associate()
                raw.send(pdata((1, 3, store_rq())), pdata((1, 2, bytes(500_000))))
                assert raw.status() == 0
                assert welcome
            except (ssl.SSLError, ConnectionResetError, EOFError):
                assert not welcome
            finally:
                raw.socket.close()
                plain.close()
        with Raw(receiver.port) as raw:
            raw.send(associate_rq([]))
            assert raw.closed()
        assert len(receiver.contents()) == 1


def test_tls_without_client_certificates(tmp_path: Path) -> None:
    ca = trustme.CA()
    with Receiver(tmp_path, tls=tls_settings(tmp_path, ca, require_client_certificate=False)) as receiver:
        context = ssl.create_default_context()
        ca.configure_trust(context)
        with Raw(receiver.port) as raw, context.wrap_socket(raw.socket, server_hostname="localhost") as raw.socket:
            raw.associate()
            raw.send(pdata((3, 3, echo_rq())))
            assert raw.status() == 0


@pytest.mark.parametrize("broken", ["cert.pem", "ca.pem"])
def test_certificates_that_cannot_be_used_are_said(broken: str, tmp_path: Path) -> None:
    settings = tls_settings(tmp_path, trustme.CA())
    (tmp_path / broken).write_text("not a certificate")
    with pytest.raises(Misuse) as raised:
        Listener(DicomSettings(port=0, tls=settings), Spool(tmp_path / "spool"))
    assert raised.value.code == "listener.tls"


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(ValidationError, match="ca"):
        TlsSettings(certificate=Path("c"), key=Path("k"))
    for title in ("SEVENTEEN-LETTERS", "BACK\\SLASH", "中文", "TAB\t"):
        with pytest.raises(ValidationError):
            Peer.model_validate({"ae_title": title, "address": "10.0.0.1"})
    assert Peer.model_validate({"ae_title": " CT1 ", "address": "10.0.0.0/24"}).ae_title == "CT1"


def test_the_log_says_who_and_why_and_nothing_of_the_object(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as lines, Receiver(tmp_path) as receiver, Raw(receiver.port) as raw:
        raw.associate(proposal(1, CT, ["1.2.840.10008.1.2"]), calling=b"CT\x07\xff1")
        raw.send(pdata((1, 3, store_rq(instance="1.2.99.42"))), pdata((1, 2, b"SENTINEL^NAME")))
        assert raw.status() == 0
        raw.send(b"\x05\x00" + struct.pack(">I", 4) + bytes(4))
        raw.closed()
    events = {line["event"]: line for line in lines if line.get("calling_ae") == "CT??1"}
    assert events["instance.stored"]["bytes"] > 0
    assert events["association.ended"]["reason"] == "released"
    assert events["association.ended"]["count"] == 1
    assert "1.2.99.42" not in str(lines) and "SENTINEL" not in str(lines)
