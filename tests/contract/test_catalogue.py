"""The catalogue is closed, complete and bilingual, and no fact of any object holds who the patient is."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import pydicom.data
import pytest

from capture.acquisition import Acquisition, Identity
from capture.arrival import Arrival, arrival_id
from capture.dicom.reader import ReadOptions, read
from capture.errors import SetAside
from deploy import generate
from deploy.generate import main, outdated
from models.catalogue import catalogue
from models.circumstances import Circumstances
from models.measurement import Measurement, NotMeasured, Reason
from models.producer import MeasurementProducer, discover, measure_all, pending
from models.rules.layers import LEVEL
from models.rules.wording import sign_of
from models.sets.producer import discover_sets

RECEIVED_AT = 1_772_244_960_000
HERE = Circumstances(received_at=RECEIVED_AT)
SENTINEL = Identity(
    PatientID="ZZQ-SENTINEL-77410",
    PatientName="Zzqsurname^Zzqgiven=赵钱孙^李周",
    PatientBirthDate="19870203",
    AccessionNumber="ZZQACC5521",
    OperatorsName="Zzqoperator^Zzqfirst",
    StudyInstanceUID="1.2.3.77410.1",
    SeriesInstanceUID="1.2.3.77410.2",
    SOPInstanceUID="1.2.3.77410.3",
)
SECRETS = ("zzq", "77410", "19870203", "5521", "赵钱孙", "李周")
TYPES = {"bool": (bool,), "number": (int, float), "text": (str,), "texts": (tuple,)}
UNITS = frozenset(
    {"a", "s", "d", "mm", "cm", "m", "kV", "mA", "ms", "mA.s", "mGy", "Gy.cm2", "mGy.cm", "deg", "T", "MHz", "N"}
    | {"W/kg", "s/mm2", "Hz/{pixel}", "bit", "%", "/mm", "1", "mL", "[hnsf'U]"}
)
FREE_TEXT = ("StudyDescription", "SeriesDescription", "ProtocolName", "ContrastBolusAgent")


@cache
def producers() -> tuple[MeasurementProducer, ...]:
    return discover()


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_every_unit_is_written_as_people_write_it(unit: str) -> None:
    for language in ("zh", "en"):
        assert not set(sign_of(unit, language)) & set("[]{}.'0123456789")


def _provided() -> set[str]:
    return {name for producer in producers() for name in producer.provides}


def _waiting() -> set[str]:
    return {fact.name for fact in pending(producers())}


def _objects() -> list[Path]:
    roots = [Path(pydicom.data.__file__).parent]
    try:
        import data_store
    except ImportError:
        return []
    roots.append(Path(data_store.__file__).parent)
    return sorted(path for root in roots for path in root.rglob("*.dcm"))


def _read(path: Path) -> Acquisition | None:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    arrival = Arrival(arrival_id(RECEIVED_AT, digest), digest, len(content), "dicom", "folder", RECEIVED_AT)
    try:
        return read(path, arrival, ReadOptions(max_pixels=4_000_000))
    except SetAside:
        return None


def _planted(acquisition: Acquisition) -> Iterator[Acquisition]:
    """The sentinel in the identity; then also in every text that a technologist can type into."""
    identified = replace(acquisition, identity=SENTINEL)
    yield identified
    for leak in (f"chest {SENTINEL.PatientID}", "Zzqgiven knee", "李周 胸片", "19870203", "1.2.3.77410.3"):
        typed: dict[str, Any] = dict.fromkeys((*FREE_TEXT, "BodyPartExamined", "ViewPosition"), leak)
        made: dict[str, Any] = dict.fromkeys(("StationName", "InstitutionName", "Manufacturer"), leak)
        exam, device = replace(identified.exam, **typed), replace(identified.device, **made)
        technique = replace(identified.technique, ConvolutionKernel=(leak,), ReceiveCoilName=leak, Grid=(leak,))
        yield replace(identified, exam=exam, device=device, technique=technique, private_marks=(leak,))


@pytest.mark.parametrize("path", _objects(), ids=lambda path: path.name)
def test_no_fact_of_any_object_holds_an_identity(path: Path) -> None:
    acquisition = _read(path)
    if acquisition is None:
        pytest.skip("the reader sets this object aside")
    # The planted copies differ in the header only, so the pixels are measured once.
    header = [producer for producer in producers() if type(producer).__name__ == "Reporter"]
    for copy, told in ((c, producers() if n == 0 else header) for n, c in enumerate(_planted(acquisition))):
        measured, _ = measure_all(told, copy, HERE)
        for found in measured:
            said = (found.value, found.unit) if isinstance(found, Measurement) else found.detail
            assert not any(secret in str(said).casefold() for secret in SECRETS), found.name


@pytest.mark.parametrize("path", _objects(), ids=lambda path: path.name)
def test_every_object_gets_every_fact_in_the_type_promised(path: Path) -> None:
    acquisition = _read(path)
    if acquisition is None:
        pytest.skip("the reader sets this object aside")
    measured, _ = measure_all(producers(), acquisition, HERE)
    assert {found.name for found in measured} == _provided() | _waiting()
    for found in measured:
        if isinstance(found, NotMeasured):
            assert found.reason is not Reason.FAILED, found
        else:
            assert type(found.value) in TYPES[catalogue()[found.name].type], found.name


def test_every_name_has_one_source() -> None:
    """A producer, or the model or hospital system that it waits for; and nobody invents a name."""
    provided = Counter(name for producer in producers() for name in producer.provides)
    assert max(provided.values()) == 1
    assert _provided() <= set(catalogue())
    of_images = {name for name, entry in catalogue().items() if entry.level == "image"}
    assert of_images - _provided() - _waiting() == set()


def test_every_name_of_a_set_has_a_source() -> None:
    """The judge itself says the level. A producer of sets may speak for a fact of an image, too."""
    of_sets = {name for name, entry in catalogue().items() if entry.level != "image"}
    provided = {name for producer in discover_sets() for name in producer.provides}
    waiting = {fact.name for fact in pending(discover_sets(), ("series", "study"))}
    assert of_sets == (provided & of_sets) | waiting | {LEVEL}
    assert provided <= set(catalogue())


def test_entries_are_complete() -> None:
    for entry in catalogue().values():
        assert entry.source, entry.name
        assert entry.zh != entry.en, entry.name
        assert any("\u4e00" <= letter <= "\u9fff" for letter in entry.zh) or entry.zh.isascii(), entry.name
        assert entry.unit == "" or entry.unit in UNITS or entry.unit.startswith("{"), entry.name
        assert entry.type == "number" or not entry.unit, f"{entry.name}: only numbers have a unit"
        assert not (entry.needs_model and entry.needs_system), entry.name


def test_names_are_words_that_an_expression_can_spell() -> None:
    reserved = {
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
        "true",
        "false",
        "null",
        "limit",
    }
    for name in catalogue():
        parts = name.split(".")
        assert len(parts) == 2
        assert all(part.isidentifier() and part not in reserved for part in parts), name


def test_free_text_stays_on_the_site() -> None:
    for keyword in FREE_TEXT:
        assert not catalogue()[f"dicom.{keyword}"].leaves_site, keyword


def test_what_concerns_identity_is_yes_or_no() -> None:
    personal = {field.name for field in fields(Identity)}
    for name, entry in catalogue().items():
        family, _, rest = name.partition(".")
        assert family not in ("identity", "uid") or entry.type == "bool", name
        assert rest not in personal, f"{name} is an identity"


def test_the_handbook_lists_the_catalogue_as_it_is() -> None:
    assert outdated(("measurements",)) == {}, "run: python -m deploy.generate measurements"
    assert main(["--check", "measurements"]) == 0


def test_an_outdated_page_is_said_and_its_own_words_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    book = tmp_path / "handbook"
    monkeypatch.setattr(generate, "HANDBOOK", book)
    for language in generate.LANGUAGES:
        (book / language).mkdir(parents=True)
        (book / language / "measurements.md").write_text(
            "# By hand\n\n<!-- generated: python -m deploy.generate measurements -->\nold\n"
        )
    assert main(["--check", "measurements"]) == 1
    assert "out of date: handbook/en/measurements.md" in capsys.readouterr().out
    assert main(["measurements"]) == 0
    assert main(["--check", "measurements"]) == 0
    assert (book / "zh" / "measurements.md").read_text().startswith("# By hand\n")
    with pytest.raises(SystemExit):
        main(["nonsense"])
