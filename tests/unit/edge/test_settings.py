"""One file, secrets and environment over it; what is misspelt is refused by name with the nearest one."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.errors import Misuse
from deploy.configuration import untranslated
from edge.settings import Settings
from edge.settings_file import load, section_of


def write(folder: Path, text: str) -> Path:
    path = folder / "qcbox.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_need_no_file() -> None:
    assert load(None).workers.seconds == 10


def test_file_then_secret_then_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, 'box = "b-1"\n[site]\nname = "file"\ninstitution = "file"\n[retention]\ndays = 3\n')
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "site__pseudonym_key").write_text("hush")
    monkeypatch.setenv("QCBOX_SITE__NAME", "environment")
    settings = load(path)
    assert (settings.box, settings.site.name, settings.site.institution) == ("b-1", "environment", "file")
    assert settings.retention.days == 3
    assert settings.site.pseudonym_key is not None
    assert settings.site.pseudonym_key.get_secret_value() == "hush"
    assert "hush" not in settings.model_dump_json()


def test_systemd_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets_site__pseudonym_key").write_text("from systemd")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    key = load(None).site.pseudonym_key
    assert key is not None and key.get_secret_value() == "from systemd"


@pytest.mark.parametrize(
    ("text", "code", "nearest"),
    [
        ("data_dirr = 1", "config.unknown_key", "data_dir"),
        ('[site]\nnam = "x"', "config.unknown_key", "name"),
        ("[retension]\ndays = 1", "config.unknown_key", "retention"),
        ("[workers]\nzzz = 1", "config.unknown_key", "seconds"),
        ('[workers]\ncount = "many"', "config.value", "integer"),
        ('[site]\ntimezone = "Mars/Base"', "config.value", "IANA"),
        ("box = ", "config.toml", "qcbox.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_a_hint(tmp_path: Path, text: str, code: str, nearest: str) -> None:
    with pytest.raises(Misuse) as refused:
        load(write(tmp_path, text))
    assert refused.value.code == code
    assert nearest in refused.value.hint.en
    assert refused.value.text.zh and refused.value.hint.zh


def test_a_wrong_value_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(Misuse) as refused:
        load(write(tmp_path, "[site]\npseudonym_key = 12345678"))
    assert "12345678" not in str(refused.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"config\.unreadable"):
        load(tmp_path / "none.toml")


def test_a_misspelt_environment_variable_is_not_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QCBOX_CENTRAL_BROKER__PORT", "1884")
    assert load(None).version == 1
    monkeypatch.setenv("QCBOX_STIE__NAME", "x")
    with pytest.raises(Misuse, match="Did you mean site"):
        load(None)


def test_every_setting_says_what_it_is() -> None:
    def check(model: object, where: str) -> None:
        section = section_of(model)
        assert section is not None
        for name, field in section.model_fields.items():
            assert field.title, f"{where}{name} has no title"
            assert field.description or name == "version", f"{where}{name} has no description"
            assert section.model_config.get("frozen") and section.model_config.get("extra") == "forbid", where
            if section_of(field.annotation) is not None:
                check(field.annotation, f"{where}{name}.")

    check(Settings, "")


def test_every_setting_and_metric_is_in_the_chinese_handbook() -> None:
    assert untranslated() == set()
