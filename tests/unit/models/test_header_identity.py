"""identity.*, person.*, institution.*, mark.*, uid.*: right, wrong, missing and malformed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.acquisition import Identity
from models.circumstances import SharedMark
from models.header.dates import completed_years, da, exact_years, tm, zone
from models.header.elements import _pattern, identity_in_text
from models.header.person import PRODUCER as PERSON
from models.measurement import Measurements, Reason
from models.producer import Subject
from tests.unit.models.acquisitions import CHEST, CT, HERE, MISSING, NOT_ASKED, WRONG, fact, spoil, with_fault


@pytest.mark.parametrize(
    ("name", "expected", "fields"),
    [
        ("identity.patient_id_present", True, {}),
        ("identity.patient_id_present", False, {"PatientID": " "}),
        ("identity.patient_name_present", False, {"PatientName": "^^^^"}),
        ("identity.patient_name_present", False, {"PatientName": None}),
        ("identity.patient_name_decodes", True, {"PatientName": "Zhang^San=张^三"}),
        ("identity.patient_name_decodes", False, {"PatientName": "Zhang^San=\ufffd\ufffd"}),
        ("identity.patient_name_decodes", False, {"PatientName": "ÕÅÈý"}),
        ("identity.patient_name_decodes", True, {"PatientName": "Müller^Jürgen"}),
        ("identity.patient_name_decodes", False, {"PatientName": "张三", "SpecificCharacterSet": ()}),
        ("identity.patient_name_decodes", MISSING, {"PatientName": None}),
        ("identity.looks_like_test", False, {}),
        ("identity.looks_like_test", False, {"PatientName": "Testa^Anna", "PatientID": "1123"}),
        ("identity.looks_like_test", True, {"PatientName": "TEST^PATIENT"}),
        ("identity.looks_like_test", True, {"PatientName": "测试三"}),
        ("identity.looks_like_test", True, {"PatientID": "qc-1"}),
        ("identity.looks_like_test", True, {"PatientID": "123"}),
        ("identity.looks_like_test", True, {"PatientID": "00000000"}),
        ("identity.looks_like_test", False, {"PatientName": "Anonymized"}),
        ("identity.looks_like_test", False, {"PatientName": "Na^Ying"}),
        ("identity.name_is_placeholder", True, {"PatientName": "Anonymized"}),
        ("identity.name_is_placeholder", True, {"PatientName": "无名氏"}),
        ("identity.name_is_placeholder", False, {"PatientName": "Na^Ying"}),
        ("identity.name_is_placeholder", MISSING, {"PatientName": ""}),
        ("identity.looks_like_test", MISSING, {"PatientID": None, "PatientName": ""}),
        ("identity.accession_present", True, {}),
        ("identity.accession_present", False, {"AccessionNumber": ""}),
        ("identity.operator_present", False, {"OperatorsName": None}),
        ("identity.agrees_with_worklist", Reason.NOT_CONNECTED, {}),
        ("identity.accession_in_ris", Reason.NOT_CONNECTED, {}),
        ("institution.present", True, {}),
        ("institution.present", False, {"InstitutionName": None}),
        ("institution.decodes", True, {}),
        ("institution.decodes", True, {"InstitutionName": "County Hospital", "SpecificCharacterSet": ()}),
        ("institution.decodes", False, {"InstitutionName": "某某医院", "SpecificCharacterSet": ()}),
        ("institution.decodes", False, {"InstitutionName": "æŸ\x90åŒ»é™¢"}),
        ("institution.decodes", MISSING, {"InstitutionName": None}),
        ("mark.present", Reason.NOT_CONFIGURED, {}),
        ("uid.present", True, {}),
        ("uid.present", False, {"SeriesInstanceUID": None}),
        ("uid.legal", True, {}),
        ("uid.legal", False, {"SOPInstanceUID": "1.2.03"}),
        ("uid.legal", False, {"SOPInstanceUID": "1." + "2" * 63}),
        ("uid.legal", False, {"StudyInstanceUID": "1.2.x"}),
        ("uid.legal", MISSING, {"StudyInstanceUID": None, "SeriesInstanceUID": None, "SOPInstanceUID": None}),
        ("uid.distinct", True, {}),
        ("uid.distinct", False, {"SeriesInstanceUID": "1.2.840.1.1"}),
        ("uid.distinct", MISSING, {"SeriesInstanceUID": None, "SOPInstanceUID": None}),
        ("uid.same_uid_other_bytes", Reason.NOT_CONNECTED, {}),
        ("uid.frame_of_reference_present", NOT_ASKED, {}),
        ("index.person_code_present", False, {}),
        ("index.person_code_present", True, {"PatientID": "1" * 13 + "2" * 13}),
        ("index.parts_composable", True, {"PatientID": "1" * 13 + "2" * 13}),
        ("index.parts_composable", False, {"PatientID": "1" * 13 + "2" * 13, "StudyTime": "10"}),
        ("index.time_composable", False, {"StudyDate": "2026"}),
    ],
)
def test_who_and_where(name: str, expected: object, fields: dict[str, object]) -> None:
    assert fact(name, spoil(CHEST, **fields)) == expected


def test_a_guessed_character_set_counts_as_wrong() -> None:
    guessed = with_fault(CHEST, "charset.wrong", "SpecificCharacterSet")
    assert fact("institution.decodes", guessed) is False
    assert fact("identity.patient_name_decodes", guessed) is True, "plain ASCII reads the same in every set"


def test_a_uid_the_reader_dropped_is_not_legal() -> None:
    assert fact("uid.legal", with_fault(CHEST, "value.invalid", "SOPInstanceUID")) is False


def test_frame_of_reference_is_asked_of_slices() -> None:
    assert fact("uid.frame_of_reference_present", CT) is True
    assert fact("uid.frame_of_reference_present", spoil(CT, has_FrameOfReferenceUID=False)) is False


@pytest.mark.parametrize("again", [True, False])
def test_history_is_told_by_the_box(again: bool) -> None:
    assert fact("uid.same_uid_other_bytes", CHEST, replace(HERE, same_uid_other_bytes=again)) is again


@pytest.mark.parametrize(
    ("pattern", "values", "expected"),
    [
        ("^HR", ("HR-JL-01",), True),
        ("^HR", ("other", "HR"), True),
        ("^HR", ("none",), False),
        ("^HR", (), False),
        ("(", ("HR",), Reason.NOT_CONFIGURED),
    ],
)
def test_shared_mark(pattern: str, values: tuple[str, ...], expected: object) -> None:
    there = replace(HERE, shared_mark=SharedMark("ImageComments", pattern))
    assert fact("mark.present", replace(CHEST, private_marks=values), there) == expected


@pytest.mark.parametrize(
    ("name", "expected", "fields"),
    [
        ("person.sex_present", True, {}),
        ("person.sex_present", False, {"PatientSex": None}),
        ("person.sex_valid", True, {"PatientSex": "O"}),
        ("person.sex_valid", False, {"PatientSex": "男"}),
        ("person.sex_valid", MISSING, {"PatientSex": " "}),
        ("person.birth_date_present", False, {"PatientBirthDate": None}),
        ("person.birth_date_valid", True, {}),
        ("person.birth_date_valid", False, {"PatientBirthDate": "19800230"}),
        ("person.birth_date_valid", False, {"PatientBirthDate": "20270101"}),
        ("person.birth_date_valid", False, {"PatientBirthDate": "18000101"}),
        ("person.birth_date_valid", False, {"PatientBirthDate": "1980-03-01"}),
        ("person.birth_date_valid", MISSING, {"PatientBirthDate": ""}),
        ("person.age_years", 45.0, {}),
        ("person.age_years", 46.0, {"PatientBirthDate": "19800228"}),
        ("person.age_years", 0.0, {"PatientBirthDate": "20260228"}),
        ("person.age_years", 12.0, {"PatientBirthDate": None, "PatientAge": "012Y"}),
        ("person.age_years", 3.0, {"PatientBirthDate": "99999999", "PatientAge": "036M"}),
        ("person.age_years", 0.0, {"PatientBirthDate": None, "PatientAge": "011M"}),
        ("person.age_years", 0.0, {"PatientBirthDate": "20260227", "PatientAge": "000Y"}),
        ("person.age_years", Reason.NOT_RELIABLE, {"PatientBirthDate": None, "PatientAge": "000Y"}),
        ("person.age_years", WRONG, {"PatientBirthDate": "99999999", "PatientAge": "old"}),
        ("person.age_years", MISSING, {"PatientBirthDate": None, "PatientAge": None}),
        ("person.age_source", "PatientBirthDate", {}),
        ("person.age_source", "PatientAge", {"PatientBirthDate": None}),
        ("person.age_disagreement_years", 0.0, {}),
        ("person.age_disagreement_years", 0.0, {"PatientBirthDate": "20250301", "PatientAge": "011M"}),
        ("person.age_disagreement_years", MISSING, {"PatientAge": None}),
        ("person.age_disagreement_years", MISSING, {"PatientBirthDate": None}),
        (
            "person.age_years",
            MISSING,
            {"PatientAge": None, "StudyDate": None, "AcquisitionDate": None, "PatientBirthDate": None},
        ),
    ],
)
def test_person(name: str, expected: object, fields: dict[str, object]) -> None:
    assert fact(name, spoil(CHEST, **fields)) == expected


def test_an_age_five_years_off_is_five_years_off() -> None:
    assert fact("person.age_disagreement_years", spoil(CHEST, PatientAge="051Y")) == pytest.approx(5.0, abs=0.01)
    assert fact("person.age_disagreement_years", spoil(CHEST, PatientAge="040Y")) == pytest.approx(5.0, abs=0.01)


def test_a_birth_date_the_reader_dropped_is_present_and_wrong() -> None:
    dropped = with_fault(spoil(CHEST, PatientBirthDate=None, PatientAge=None), "value.invalid", "PatientBirthDate")
    assert fact("person.birth_date_present", dropped) is True
    assert fact("person.birth_date_valid", dropped) is False
    assert fact("person.age_years", dropped) is WRONG


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20240229", date(2024, 2, 29)),
        ("20230229", None),
        ("2024.02.29", None),
        ("٢٠٢٤٠٢٢٩", None),
        ("", None),
        (None, None),
    ],
)
def test_date(text: str | None, expected: date | None) -> None:
    assert da(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", "10:00:00"),
        ("1015", "10:15:00"),
        ("101559.5", "10:15:59.500000"),
        ("235960", "23:59:59"),
        ("2460", None),
        ("24", None),
        ("1", None),
        ("10:15", None),
        (None, None),
    ],
)
def test_time(text: str | None, expected: str | None) -> None:
    found = tm(text)
    assert (found.isoformat() if found else None) == expected


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("+0800", 8.0),
        ("-0330", -3.5),
        ("+1400", 14.0),
        ("+1401", None),
        ("-1230", None),
        ("-0000", None),
        ("0800", None),
    ],
)
def test_zone(text: str, hours: float | None) -> None:
    found = zone(text)
    assert (found.utcoffset(None).total_seconds() / 3600 if found else None) == hours


def test_a_birthday_on_29_february_comes_on_1_march() -> None:
    born = date(2000, 2, 29)
    assert exact_years(born, date(2001, 3, 1)) == 1.0
    assert completed_years(born, date(2001, 2, 28)) == 0
    assert exact_years(born, date(2004, 2, 29)) == 4.0


_DAYS = st.dates(date(1900, 1, 1), date(2090, 12, 31))


@given(birth=_DAYS, days=st.integers(0, 120 * 365))
def test_completed_years_count_birthdays(birth: date, days: int) -> None:
    on = birth + timedelta(days=days)
    # Counted the slow way, one birthday after another; 29 February becomes 1 March.
    birthdays = 0
    while True:
        year = birth.year + birthdays + 1
        try:
            following = birth.replace(year=year)
        except ValueError:
            following = date(year, 3, 1)
        if following > on:
            break
        birthdays += 1
    assert completed_years(birth, on) == birthdays
    assert birthdays <= exact_years(birth, on) < birthdays + 1


@given(birth=_DAYS, days=st.integers(0, 110 * 365), off=st.integers(-3, 3))
def test_the_stated_age_disagrees_by_as_much_as_it_is_off(birth: date, days: int, off: int) -> None:
    on = birth + timedelta(days=days)
    stated = completed_years(birth, on) + off
    if stated < 0:
        return
    seen = spoil(
        CHEST,
        PatientBirthDate=birth.strftime("%Y%m%d"),
        StudyDate=on.strftime("%Y%m%d"),
        PatientAge=f"{stated:03d}Y",
    )
    found = PERSON.report(Subject(seen, HERE, Measurements()))["person.age_disagreement_years"]
    assert isinstance(found, float)
    assert found == 0.0 if off == 0 else abs(off) - 1 <= found <= abs(off)


_UIDS = ["1.2.840.113619.2.55", " 1.2.840.113619.2.55 ", "1.2.99", "1.2.x.840", "1.23", "", None]


@pytest.mark.parametrize("uid", _UIDS)
@pytest.mark.parametrize("around", ["{}", "copy of {}", "{}1", "x{}x", "nothing", ""])
def test_the_images_own_uid_is_found_as_any_other_identity(uid: str | None, around: str) -> None:
    """It is looked for without being compiled; what is found is the same."""
    who, text = Identity(PatientName="Zhang^San", SOPInstanceUID=uid), around.format((uid or "").strip())
    assert identity_in_text(who).is_in(text) == (_pattern(who).search(text) is not None)
