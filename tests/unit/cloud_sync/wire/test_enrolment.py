"""The text of a token sheet, and what an old key signs."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire.enrolment import Ticket, proof_text, read_ticket, ticket

GOOD = Ticket("https://qc.example.cn:8443", "A-_" + "b" * 40, hashlib.sha256(b"key").hexdigest())


def test_a_ticket_is_read_as_it_was_written() -> None:
    assert read_ticket(f"  {GOOD.text()}\r\n") == GOOD
    assert ticket(f"{GOOD.url}/", GOOD.token, GOOD.pin.upper()) == GOOD


@pytest.mark.parametrize(
    ("url", "token", "pin"),
    [
        ("http://qc.example.cn", GOOD.token, GOOD.pin), ("https://", GOOD.token, GOOD.pin),
        ("https://qc.example.cn/other", GOOD.token, GOOD.pin), ("https://qc.example.cn?a=b", GOOD.token, GOOD.pin),
        (GOOD.url, GOOD.token[1:], GOOD.pin), (GOOD.url, GOOD.token, GOOD.pin[1:]), (GOOD.url, GOOD.token, ""),
    ],
)  # fmt: skip
def test_a_ticket_that_cannot_be_right_is_none(url: str, token: str, pin: str) -> None:
    assert ticket(url, token, pin) is None
    assert read_ticket(Ticket(url, token, pin).text()) is None


@given(st.text())
def test_any_text_is_read_without_a_fault(text: str) -> None:
    assert read_ticket(text) is None
    read_ticket(f"qcbox-enrol:1?{text}")


def test_a_proof_is_of_one_certificate_and_one_new_key() -> None:
    texts = {proof_text(old, new) for old in (b"a", b"ab") for new in (b"bc", b"c")}
    assert len(texts) == 4
