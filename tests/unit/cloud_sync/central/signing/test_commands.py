"""A ceremony from the command line, with a laptop that has no network, and daily work after it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from cloud_sync.central import cli
from cloud_sync.central.signing import keys
from tests.unit.cloud_sync.central.signing.people import CHEAP, PASSPHRASE, Client, pack
from tests.unit.cloud_sync.central.signing.test_publishing import PATH


class Terminal:
    """Runs commands as somebody would."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capsys = folder, monkeypatch, capsys
        self._config = folder / "central.toml"
        self._config.write_text(
            f'[publishing]\nrepository = "{folder}/repository"\nkeys = "{folder}/keys"\n'
            f'online_passphrase = "{folder}/credential"\n'
        )
        (folder / "credential").write_text(PASSPHRASE + "\n")
        monkeypatch.setenv("LANG", "en_GB.UTF-8")
        self.said = self.told = ""

    def __call__(self, *arguments: str | Path, typed: str = PASSPHRASE, config: bool = True) -> int:
        """The exit status; ``said`` and ``told``: what is on the two streams."""
        words = [str(one) for one in arguments] + (["--config", str(self._config)] if config else [])
        self._patch.setattr(sys, "argv", ["qcbox-central", *words])
        self._patch.setattr(sys, "stdin", io.StringIO(typed + "\n"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        self.said, self.told = self._capsys.readouterr()
        return int(ended.value.code or 0)

    def key(self, owner: str, purpose: str, where: str = "keys") -> Path:
        """A card."""
        folder = self.folder / where
        assert (
            self("keys", "new", f"{owner}-{purpose}", "--owner", owner, "--purpose", purpose, "--folder", folder)
            == 0
        )
        return folder / f"{owner}-{purpose}.card.json"


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.setattr(keys, "STRONG", CHEAP)
    monkeypatch.setattr(keys.new, "__defaults__", ("ed25519", CHEAP))
    return Terminal(tmp_path, monkeypatch, capsys)


def founded(terminal: Terminal) -> str:
    """A repository begun; the id of the proposal."""
    people = [("--root", terminal.key(owner, "root", f"laptop-{owner}")) for owner in ("an", "bo", "chen")]
    people += [("--targets", terminal.key(owner, "targets", f"laptop-{owner}")) for owner in ("an", "bo", "chen")]
    people += [("--online", terminal.key("centre", "online"))]
    (terminal.folder / "keys" / "centre-online.card.json").rename(terminal.folder / "keys" / "online.card.json")
    (terminal.folder / "keys" / "centre-online.key.json").rename(terminal.folder / "keys" / "online.key.json")
    words = [str(word) for pair in people for word in pair]
    words[words.index("--online") + 1] = str(terminal.folder / "keys" / "online.card.json")
    for owner in ("li", "wang"):
        words += ["--signer", f"general={terminal.key(owner, 'content')}"]
    assert terminal("repository", "init", *words, "--json") == 0
    return str(json.loads(terminal.said)["id"])


def test_a_ceremony_with_three_laptops_then_a_release(terminal: Terminal) -> None:
    id = founded(terminal)
    stick = terminal.folder / "stick.json"
    assert terminal("repository", "publish", id) == 2
    assert "repository.incomplete" in terminal.told
    assert "root wants 2 more" in terminal.told

    assert terminal("repository", "export", id, stick) == 0
    for owner in ("an", "chen"):
        for purpose in ("root", "targets"):
            key = terminal.folder / f"laptop-{owner}" / f"{owner}-{purpose}.key.json"
            assert terminal("repository", "sign", stick, "--key", key, config=False) == 0
            assert f"+ root | root: {owner} " in terminal.told
    assert terminal("repository", "import", stick) == 0
    assert "Complete" in terminal.said
    assert terminal("repository", "publish", id) == 0
    assert terminal("repository", "show") == 0
    assert "root             version 1, until" in terminal.said

    package = terminal.folder / "package.zip"
    package.write_bytes(pack())
    assert terminal("repository", "propose", package, "--key", "li-content", "--json") == 0
    release = json.loads(terminal.said)["id"]
    assert terminal("repository", "sign", release, "--key", "li-content") == 2
    assert "repository.same_person" in terminal.told
    assert terminal("repository", "sign", release, "--key", "wang-content", typed="not my passphrase") == 2
    assert "keys.passphrase" in terminal.told
    assert terminal("repository", "sign", release, "--key", "wang-content") == 0
    assert f"+ kb-general | {PATH} [*] sha256 " in terminal.told
    assert terminal("repository", "publish", release) == 0

    usb, root = terminal.folder / "usb", terminal.folder / "root.json"
    assert terminal("repository", "copy", usb) == 0
    assert terminal("repository", "root", root) == 0
    assert Client(terminal.folder / "box", usb, root.read_bytes()).fetched(PATH) == pack()

    assert (
        terminal("repository", "withdraw", PATH, "--key", "wang-content", "--reason", "too strict", "--json") == 0
    )
    gone = json.loads(terminal.said)["id"]
    assert terminal("repository", "sign", gone, "--key", "li-content") == 0
    assert f"- kb-general | {PATH} " in terminal.told
    assert terminal("repository", "publish", gone, "--json") == 0
    assert json.loads(terminal.said) == {"published": "kb-general", "version": 2}
    assert terminal("repository", "show", "--json") == 0
    assert json.loads(terminal.said)["releases"] == []


def test_no_secret_is_printed_or_taken_from_arguments(terminal: Terminal) -> None:
    terminal.key("li", "content")
    assert PASSPHRASE not in terminal.said + terminal.told
    assert terminal("keys", "new", "x", "--owner", "li", "--purpose", "root", "--passphrase", PASSPHRASE) == 2
    assert terminal("keys", "new", "x", "--owner", "li", "--purpose", "king") == 2
    assert terminal("keys", "new", "x", "--owner", "li", "--purpose", "root", typed="short") == 2
    assert "keys.passphrase_short" in terminal.told
    assert terminal("keys", "list", "--json") == 0
    (listed,) = json.loads(terminal.said)["keys"]
    assert (listed["owner"], listed["purpose"], len(listed["keyid"])) == ("li", "content", 64)


def test_mistakes_say_what_to_do(terminal: Terminal) -> None:
    assert terminal("repository", "show") == 0
    assert terminal("repository", "rotate", "root") == 2
    assert "repository.none" in terminal.told
    assert "repository init" in terminal.told
    assert terminal("repository", "sign", "kb-ct-1-0", "--key", "li") == 2
    assert "repository.no_proposal" in terminal.told
    assert terminal("repository", "rotate", "moon") == 2
    assert "repository.area" in terminal.told
    terminal.key("li", "content")
    assert terminal("repository", "renew", "ct", "--key", "li-content") == 2
    (terminal.folder / "credential").unlink()
    assert terminal("repository", "refresh") == 2
    assert "keys.online_closed" in terminal.told
