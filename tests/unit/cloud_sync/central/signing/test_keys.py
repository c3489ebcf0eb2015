"""Key files: who opens them, and what does not."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from cloud_sync.central.signing import cards, keys
from cloud_sync.central.signing.keys import Scheme
from cloud_sync.updates.listing import OWNER
from tests.unit.cloud_sync.central.signing.people import CHEAP, PASSPHRASE
from tests.unit.cloud_sync.central.signing.test_publishing import refusal


def new(folder: Path, name: str = "li", owner: str = "li.wei", scheme: Scheme = "ed25519") -> Path:
    keys.new(folder, name, owner, "content", PASSPHRASE, scheme, log2_n=CHEAP)
    return keys.path_of(folder, name)


@pytest.mark.parametrize("scheme", ["ed25519", "ecdsa-p256"])
def test_a_key_opens_with_its_passphrase_and_signs(tmp_path: Path, scheme: Scheme) -> None:
    path = new(tmp_path, scheme=scheme)
    signer = keys.load(path, PASSPHRASE)
    signer.card.key.verify_signature(signer.instrument.sign(b"what is signed"), b"what is signed")
    assert (signer.card.owner, signer.card.purpose, signer.card.name) == ("li.wei", "content", "li")
    assert signer.card.key.unrecognized_fields == {OWNER: "li.wei"}
    assert cards.listed(tmp_path) == (signer.card,)


def test_a_key_file_is_its_owners_and_holds_no_plain_key(tmp_path: Path) -> None:
    path = new(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = keys.load(path, PASSPHRASE).instrument._private_key.private_bytes_raw()  # type: ignore[attr-defined]
    for file in tmp_path.iterdir():
        assert secret not in file.read_bytes()
        assert secret.hex() not in file.read_text()
    assert json.loads(path.read_bytes())["log2_n"] == CHEAP
    assert keys.STRONG >= 17


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    path = new(tmp_path)
    for wrong in ("", "four unrelated words hera", PASSPHRASE.upper()):
        assert refusal(lambda: keys.load(path, wrong)) == "keys.passphrase"  # noqa: B023


def test_a_card_that_was_changed_does_not_open_its_key(tmp_path: Path) -> None:
    path = new(tmp_path)
    card = tmp_path / f"li{cards.SUFFIX}"
    card.write_text(card.read_text().replace("li.wei", "wang.fang"))
    assert refusal(lambda: keys.load(path, PASSPHRASE)) == "keys.passphrase"


def test_damaged_and_missing_files_say_so(tmp_path: Path) -> None:
    path = new(tmp_path)
    whole = json.loads(path.read_bytes())
    for broken in (
        b"{}x",
        b"",
        json.dumps({**whole, "log2_n": 40}).encode(),
        json.dumps({**whole, "salt": "*"}).encode(),
    ):
        path.write_bytes(broken)
        assert refusal(lambda: keys.load(path, PASSPHRASE)) == "keys.damaged"
    assert refusal(lambda: keys.load(keys.path_of(tmp_path, "nobody"), PASSPHRASE)) == "keys.unreadable"
    assert refusal(lambda: keys.path_of(tmp_path, "../li")) == "keys.card"
    for card in (b"", b'{"format": 1}', b'{"format":1,"name":"a","owner":"b","purpose":"root","public":"x"}'):
        assert refusal(lambda: cards.parse(card)) == "keys.card"  # noqa: B023


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = new(tmp_path)
    before = path.read_bytes()
    assert refusal(lambda: new(tmp_path)) == "keys.exists"
    assert path.read_bytes() == before


def test_short_passphrases_and_odd_names_are_refused(tmp_path: Path) -> None:
    assert refusal(lambda: keys.new(tmp_path, "li", "li", "root", "elevenchars")) == "keys.passphrase_short"
    assert refusal(lambda: new(tmp_path, name="../li")) == "keys.card"
    assert refusal(lambda: new(tmp_path, owner="li wei")) == "keys.card"
    assert list(tmp_path.iterdir()) == []


def test_an_account_opens_its_own_key_only(tmp_path: Path) -> None:
    new(tmp_path, "old", "li")
    keys.new(tmp_path, "new", "li", "content", "another passphrase", log2_n=CHEAP)
    assert keys.load_own(tmp_path, "li", "content", PASSPHRASE).card.name == "old"
    assert keys.load_own(tmp_path, "li", "content", "another passphrase").card.name == "new"
    assert refusal(lambda: keys.load_own(tmp_path, "li", "content", "neither of the two")) == "keys.passphrase"
    assert refusal(lambda: keys.load_own(tmp_path, "wang", "content", PASSPHRASE)) == "keys.none"
    assert refusal(lambda: keys.load_own(tmp_path, "li", "root", PASSPHRASE)) == "keys.none"


def test_hardware_without_its_library_says_what_to_install(tmp_path: Path) -> None:
    """The library is an extra; where it is there, the token is missing."""
    code = refusal(lambda: keys.adopt(tmp_path, "yubi", "li", "root", lambda: "123456"))
    assert code in ("keys.hardware_missing", "keys.hardware")
    assert list(tmp_path.iterdir()) == []
