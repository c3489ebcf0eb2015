"""Keys on a real PKCS#11 token: SoftHSM stands in for one that can be touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cloud_sync.central.signing import keys
from cloud_sync.central.signing.composing import Change
from tests.unit.cloud_sync.central.signing.people import Client, Group, pack
from tests.unit.cloud_sync.central.signing.test_publishing import PATH, refusal

LIBRARY = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "482913"
_MAKES_A_KEY = f"""
import pkcs11
from pkcs11.util.ec import encode_named_curve_parameters
token = pkcs11.lib({LIBRARY!r}).get_token(token_label="yubi")
with token.open(rw=True, user_pin={PIN!r}) as session:
    curve = session.create_domain_parameters(
        pkcs11.KeyType.EC, {{pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}}, local=True
    )
    curve.generate_keypair(store=True, id=bytes([2]), label="SIGN key")  # PIV's slot 9c
"""
"""A process of its own: the library reads where its tokens are once."""


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugged in."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    monkeypatch.setenv("PYKCS11LIB", LIBRARY)
    begin = ["softhsm2-util", "--init-token", "--free", "--label", "yubi", "--pin", PIN, "--so-pin", "12345678"]
    for argv in (begin, [sys.executable, "-c", _MAKES_A_KEY]):
        subprocess.run(argv, check=True, capture_output=True)


def test_an_approver_signs_with_a_token(tmp_path: Path, token: None, group: Group, client: Client) -> None:
    folder = tmp_path / "keys"
    absent = refusal(lambda: keys.adopt(folder, "other", "hou", "content", lambda: PIN, "another token"))
    assert (absent, folder.exists()) == ("keys.hardware", False)
    card = keys.adopt(folder, "yubi", "hou", "content", lambda: PIN)
    assert PIN not in keys.path_of(folder, "yubi").read_text()
    joined = group.repository.appoint({"general": Change((card,))})
    group.repository.publish(group.sign(joined, targets="ding en"), group.online)

    waiting = group.proposed(pack())
    wrong = keys.load(keys.path_of(folder, "yubi"), "000000")
    assert refusal(lambda: group.repository.countersign(waiting, wrong)) == "repository.signature"
    signed = group.repository.countersign(waiting, keys.load(keys.path_of(folder, "yubi"), PIN))
    assert signed.needs()[0].signed == ("hou", "li")
    group.repository.publish(signed, group.online)
    assert client.fetched(PATH) == pack()
