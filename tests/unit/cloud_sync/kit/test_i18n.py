from pathlib import Path

import pytest

from cloud_sync.kit.i18n import Texts, missing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "zh_CN.po").write_text('msgid "Age of {name}"\nmsgstr "{name}的时长"\n', encoding="utf-8")
    (tmp_path / "en.po").write_text('msgid "Age of {name}"\nmsgstr "Age of {name}"\n', encoding="utf-8")
    return tmp_path


def test_says_in_each_language_and_fills_the_placeholders(folder: Path) -> None:
    texts = Texts.load(folder)
    assert texts.languages == ("en", "zh_CN")
    assert texts.say("zh_CN", "Age of {name}", name="图像") == "图像的时长"
    assert texts.say("en", "Age of {name}", name="image") == "Age of image"


def test_falls_back_to_the_msgid_for_an_unknown_language_or_text(folder: Path) -> None:
    texts = Texts.load(folder)
    assert texts.say("fr", "Age of {name}", name="x") == "Age of x"
    assert texts.say("zh_CN", "Not there") == "Not there"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (("zh",), "zh_CN"),
        (("zh-CN,zh;q=0.9,en;q=0.8",), "zh_CN"),
        (("fr-FR,en-GB;q=0.5",), "en"),
        ((None, "", "en"), "en"),
        (("fr", "xx-YY"), "zh_CN"),
        (("en", "zh"), "en"),
    ],
)
def test_chooses_the_first_wanted_language_there_is(
    folder: Path, wanted: tuple[str | None, ...], chosen: str
) -> None:
    assert Texts.load(folder).choose(*wanted, default="zh_CN") == chosen


def test_refuses_a_folder_without_texts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no \.po file"):
        Texts.load(tmp_path)


def test_reports_used_texts_that_a_language_lacks(folder: Path, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "page.html").write_text("{{ _('Age of {name}', name=1) }} {{ _('Only here') }}", encoding="utf-8")
    (sources / "page.py").write_text("label = mark('Marked')\ntexts.say(language, 'Said')\n", encoding="utf-8")
    gaps = {"Only here", "Marked", "Said"}
    assert missing(Texts.load(folder), str(sources)) == {"en": gaps, "zh_CN": gaps}
