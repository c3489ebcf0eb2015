"""A user's folder of films: what is read, what is refused with its row, and that no patient is on two sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.errors import Misuse
from models.training import cli
from models.training.inspection import inspect
from models.training.manifest import parse, read_manifest
from models.training.split import films_of, part_of, unseen
from tests.unit.models.training.toy import folder_of_films

HEAD = "image,source,tier,licence"


def written(folder: Path, head: str, *rows: str, pictures: Sequence[str] = ("a.png", "b.png", "c.png")) -> Path:
    for name in pictures:
        cv2.imwrite(str(folder / name), np.zeros((4, 6), np.uint8))
    (folder / "manifest.csv").write_text("\n".join((head, *rows)) + "\n", encoding="utf-8-sig")
    return folder


def test_four_columns_are_enough(tmp_path: Path) -> None:
    (film,) = read_manifest(written(tmp_path, HEAD, "a.png,ward 3,open,own"))
    assert film.path == tmp_path / "a.png"
    assert (film.patient, film.group, film.kin) == ("ward 3/a", "ward 3/a", frozenset({"ward 3"}))
    assert (film.view, film.age_group, film.age, film.body_part) == ("", "", None, "CHEST")
    assert (film.lungs, film.touches, film.width, film.height) == (None, frozenset(), None, None)


def test_everything_a_row_may_say(tmp_path: Path) -> None:
    head = f"{HEAD},patient,view,age_group,body_part,label,lungs,lung_touches_top,lung_touches_left,width,height,x"
    row = "a.png,x,nc,own,p9,AP Supine,mostly adult (age 70.0),HAND,normal,b.png,1,0,6,4,ignored"
    (film,) = read_manifest(written(tmp_path, head, row) / "manifest.csv")
    assert (film.patient, film.view, film.age_group, film.age) == ("x/p9", "AP", "adult", 70.0)
    assert (film.body_part, film.label, film.lungs) == ("HAND", "normal", tmp_path / "b.png")
    assert (film.touches, film.width, film.height) == (frozenset({"top"}), 6, 4)


@pytest.mark.parametrize(
    ("text", "group", "age"),
    [
        ("child 1-5y", "child", None),
        ("age 7", "child", 7.0),
        ("age 57", "adult", 57.0),
        ("", "", None),
        ("?", "", None),
    ],
)
def test_age_groups(tmp_path: Path, text: str, group: str, age: float | None) -> None:
    (film,) = read_manifest(written(tmp_path, f"{HEAD},age_group", f"a.png,x,open,own,{text}"))
    assert (film.age_group, film.age) == (group, age)


@pytest.mark.parametrize(
    ("source", "one", "other", "same"),
    [
        ("kermany_v7_full", "person1_bacteria_1", "person1_virus_9", True),
        ("kermany_v7_full", "NORMAL2-IM-0429-0001", "NORMAL2-IM-0429-0002", True),
        ("kermany_v7_full", "NORMAL2-IM-0429-0001", "IM-0429-0001", False),
        ("kermany_v7_full", "person1_bacteria_1", "person10_bacteria_1", False),
        ("nih_subset", "00000013_005", "00000013_006", True),
        ("nih_subset", "00000013_005", "00000014_005", False),
        ("ieee8023", "000001-12", "000001-2-a", True),
        ("ieee8023", "covid-19-pneumonia-58-day-7", "covid-19-pneumonia-58-day-3", True),
        ("ieee8023", "covid-19-pneumonia-14-PA", "covid-19-pneumonia-14-L", True),
        ("ieee8023", "covid-19-pneumonia-14-PA", "covid-19-pneumonia-15-PA", False),
        ("ieee8023", "08ed451c576ee00935ee178ec85c57_jumbo-1", "08ed451c576ee00935ee178ec85c57_jumbo", True),
        ("elsewhere", "person1_bacteria_1", "person1_virus_9", False),
    ],
)
def test_patients_in_file_names_of_known_sources(
    tmp_path: Path, source: str, one: str, other: str, same: bool
) -> None:
    names = (f"{one}.png", f"{other}.png")
    a, b = read_manifest(written(tmp_path, HEAD, *(f"{name},{source},open,x" for name in names), pictures=names))
    assert (a.patient == b.patient) is same


def test_duplicates_join_patients_over_sources_and_over_each_other(tmp_path: Path) -> None:
    rows = ("a.png,x,open,own,1,d1", "b.png,y,open,own,2,d1", "b.png,y,open,own,2,d2", "c.png,z,open,own,3,d2")
    films = read_manifest(written(tmp_path, f"{HEAD},patient,dup_group", *rows))
    assert {film.group for film in films} == {"x/1"}
    assert {film.kin for film in films} == {frozenset("xyz")}
    assert {part_of(film, {"z"}) for film in films} == {"test"}


@pytest.mark.parametrize(
    ("row", "column", "hint"),
    [
        (",x,open,own", "image", "filled in"),
        ("a.png,,open,own", "source", "filled in"),
        ("a.png,x,free,own", "tier", "evaluation only"),
        ("a.png,x,open,", "licence", "filled in"),
        ("missing.png,x,open,own", "image", "relative"),
        ("a.png,x,open,own,oblique", "view", "PA, AP, L"),
        ("a.png,x,open,own,PA,missing.png", "lungs", "relative"),
    ],
)
def test_a_wrong_row_is_named_with_what_to_do(tmp_path: Path, row: str, column: str, hint: str) -> None:
    folder = written(tmp_path, f"{HEAD},view,lungs", "b.png,x,open,own,PA,", row)
    films, (flaw,) = parse(folder)
    assert (len(films), flaw.row, flaw.column) == (1, 3, column)
    assert hint in flaw.hint.en
    assert flaw.hint.zh != flaw.hint.en
    with pytest.raises(Misuse, match=f"3/{column}"):
        read_manifest(folder)


def test_no_manifest_and_missing_columns_are_said(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no_manifest"):
        read_manifest(tmp_path)
    with pytest.raises(Misuse, match="tier, licence"):
        read_manifest(written(tmp_path, "image,source", "a.png,x"))


def test_the_licence_and_the_left_out_source_decide_before_chance(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(40)]
    rows = [f"{name},{'ab'[i % 2]},{'open' if i % 4 else 'nc'},own" for i, name in enumerate(names)]
    films = read_manifest(written(tmp_path, HEAD, *rows, pictures=names))
    assert all(film.tier == "open" and film.source == "b" for film in films_of(films, "train", {"a"}))
    assert {part_of(film, {"a"}) for film in films if film.tier == "nc" or film.source == "a"} == {"test"}


def test_films_that_one_source_took_over_from_another_stay_together(tmp_path: Path) -> None:
    places = {"a.png": "hannover", "b/a.png": "ieee8023", "c.png": "hannover", "b/c.png": "elsewhere"}
    (tmp_path / "b").mkdir()
    rows = [f"{name},{source},open,own" for name, source in places.items()]
    films = read_manifest(written(tmp_path, HEAD, *rows, pictures=list(places)))
    assert [film.kin for film in films[:2]] == [frozenset({"hannover", "ieee8023"})] * 2
    assert [part_of(film) for film in films[:2]] == ["test", "test"]
    assert [len(film.kin) for film in films[2:]] == [1, 1]


def test_a_source_that_a_bundle_has_not_seen_is_test_as_a_whole(tmp_path: Path) -> None:
    rows = [f"a.png,{'house' if i % 2 else 'new'},open,own,{i}" for i in range(200)]
    films = read_manifest(written(tmp_path, f"{HEAD},patient", *rows, pictures=("a.png",)))
    strangers = unseen(films, b'{"qcbox": {"trained": {"sources": ["house", "elsewhere"]}}}')
    assert strangers == {"new"}
    assert {part_of(film, strangers) for film in films if film.source == "new"} == {"test"}
    assert {part_of(film, strangers) for film in films if film.source == "house"} == {"train", "tune", "test"}
    assert unseen(films, b'{"name": "somebody\'s own"}') == frozenset()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["", "1", "2", "3"])), min_size=1, max_size=40))
def test_no_patient_and_no_duplicate_is_on_two_sides(
    tmp_path_factory: pytest.TempPathFactory, films: list[tuple[int, str]]
) -> None:
    rows = [f"a.png,s{patient % 3},open,own,{patient},{group}" for patient, group in films]
    folder = written(tmp_path_factory.mktemp("m"), f"{HEAD},patient,dup_group", *rows, pictures=("a.png",))
    sides: dict[str, set[str]] = {}
    for film, (_, group) in zip(read_manifest(folder), films, strict=True):
        for key in {film.patient, f"group {group}" if group else film.patient}:
            sides.setdefault(key, set()).add(part_of(film, {"s2"}))
    assert all(len(parts) == 1 for parts in sides.values())


def test_the_parts_have_about_their_shares_and_do_not_move(tmp_path: Path) -> None:
    rows = [f"a.png,s,open,own,{number}" for number in range(2000)]
    films = read_manifest(written(tmp_path, f"{HEAD},patient", *rows, pictures=("a.png",)))
    shares = [len(films_of(films, part)) / 2000 for part in ("train", "tune", "test")]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.03)
    assert [part_of(film) for film in films[:8]] == [part_of(film) for film in read_manifest(tmp_path)[:8]]


def test_inspection_opens_every_picture_and_mask(tmp_path: Path) -> None:
    rows = (
        "a.png,x,open,own,",
        "b.png,x,open,own,c.png",
        "d.png,x,open,own,",
        "a.png,x,open,own,b.png",
        "gone,x,open,own,",
    )
    folder = written(tmp_path, f"{HEAD},lungs", *rows)
    (folder / "d.png").write_bytes(b"no picture")
    cv2.imwrite(str(folder / "c.png"), np.full((4, 6), 77, np.uint8))
    found = inspect(folder, ())
    assert [(flaw.row, flaw.column) for flaw in found.flaws] == [(3, "lungs"), (4, "image"), (6, "image")]
    assert (len(found.films), found.with_lungs, sum(found.counts.values())) == (4, 2, 4)
    cv2.imwrite(str(folder / "b.png"), np.zeros((5, 6), np.uint8))
    assert [flaw.row for flaw in inspect(folder, ()).flaws] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("locale", "said"), [("C", "row 3 image: no such file"), ("zh_CN.UTF-8", "第 3 行 image：文件不存在")]
)
def test_the_command_lists_flaws_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], locale: str, said: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    folder = written(tmp_path, HEAD, "a.png,x,open,own", "gone.png,x,open,own")
    monkeypatch.setattr("sys.argv", ["qcbox-train", "manifest", str(folder)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert said in capsys.readouterr().err


def test_the_command_is_content_with_a_good_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(
        "sys.argv", ["qcbox-train", "manifest", str(folder_of_films(tmp_path)), "--left-out", "elsewhere"]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "48 films of 36 patients, 48 with lungs, 0 errors" in said
    assert "elsewhere" in said
