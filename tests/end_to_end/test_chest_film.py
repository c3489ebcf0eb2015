"""A chest film by C-STORE: a fault gets its alert, drawn over the picture on the card; a good film gets none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from sqlalchemy import create_engine

from edge.console.overlay import overlay_of
from edge.store import cards
from edge.store.cards import Card
from models.image.picture import Picture
from models.measurement import Reason
from models.rules.verdict import Severity
from models.training.degradations import crop_field, mirror, rotate_trunk, turn
from models.training.objects.exposure import Beam, curve, lay
from models.training.objects.removable import necklace
from tests.end_to_end.site import Modality, Site, query, settle
from tests.films import SHARED, as_dx, read_film

pytestmark = [pytest.mark.slow, pytest.mark.real]

_PLATE = 40
"""Pixels of the plate's rim, a bright line."""
PACKAGED = "RG1_UNCR.dcm"
"""Of pydicom-data: a chest PA that always comes along."""
FILMS = (PACKAGED, "nih_subset/images/00003577_001.jpg", "nih_subset/images/00003741_002.jpg")
"""And some of ../shared, never trained or tuned on: PA films of adults without a fault."""


def closed_over_the_base(film: Picture) -> Picture:
    return crop_field(film, "bottom", 0.35, np.random.default_rng(1), outside="unexposed").film


def cut_at_the_left(film: Picture) -> Picture:
    return crop_field(film, "left", 0.2, np.random.default_rng(1), outside="cut").film


def with_necklace(film: Picture) -> Picture:
    rng, picture = np.random.default_rng(4), film.copy()
    beam = Beam(curve(rng), 360 / film.shape[1], scatter=0.2, blur=0.6, grain=0.01)
    lay(picture, necklace(rng), (film.shape[1] * 0.5, film.shape[0] * 0.4), 0.0, beam, rng)
    return np.clip(picture, 0, 1)


@dataclass(frozen=True)
class Fault:
    make: Callable[[Picture], Picture]
    rule: str
    drawn: str
    """Kind of mark that is drawn strongly; "" where there is nothing to draw."""


FAULTS = {
    "closed": Fault(closed_over_the_base, "PA01", "margin"),
    "cut": Fault(cut_at_the_left, "PA01", "margin"),
    "turned": Fault(lambda film: turn(film, 1), "PA16", ""),
    "mirrored": Fault(mirror, "PA16", ""),
    "necklace": Fault(with_necklace, "PA09", "object"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), centre=False)
    made.start()
    yield made
    made.close()


def image_of(film: Picture, name: str) -> Dataset:
    """As a device sends it."""
    image = as_dx(film, name)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def card_of(site: Site, film: Picture, name: str) -> Card:
    """Send it and wait for the card that the console shows."""
    image = image_of(film, name)
    modality = Modality(site.dicom_port)
    modality.send(image)
    modality.close()
    settle(site)
    ((case_id,),) = query(
        site.database, f"select case_id from acquisition where sop_uid = '{image.SOPInstanceUID}'"
    )
    engine = create_engine(f"sqlite:///{site.database}")
    try:
        with engine.connect() as connection:
            card = cards.one(connection, case_id, identity=False)
    finally:
        engine.dispose()
    assert card is not None
    return card


def film_of(name: str) -> Picture:
    if name == PACKAGED:
        return packaged_film()
    path: Path = SHARED / name
    if not path.is_file():
        pytest.skip("needs the real films of ../shared/data/cxr")
    return read_film(path)


def packaged_film() -> Picture:
    """Its stored values are MONOCHROME1: what is exposed is high."""
    stored = dcmread(str(get_testdata_file(PACKAGED, download=False))).pixel_array.astype(np.float32)
    dark, bright = np.percentile(stored, (99.5, 0.5))
    film = np.clip((dark - stored) / (dark - bright), 0, 1)[_PLATE:-_PLATE, _PLATE:-_PLATE]
    return np.asarray(cv2.resize(film, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA), np.float32)


@pytest.mark.parametrize("name", FILMS)
def test_a_film_without_fault_raises_no_alert(site: Site, name: str) -> None:
    card = card_of(site, film_of(name), name)
    assert [found.rule_id for found in card.findings if found.severity is not Severity.INFO] == []
    drawn = {kind for kind, _ in overlay_of(card).legend}
    assert {"lung", "margin"} <= drawn


@pytest.mark.parametrize("name", FILMS[1:])
def test_a_patient_who_is_turned_is_drawn_and_not_assessed_and_the_card_says_why(site: Site, name: str) -> None:
    """The trunk, not the picture: the network has not proven itself on it beyond the CT that it learnt from."""
    film = film_of(name)
    lungs = np.zeros(film.shape, bool)
    rows, columns = film.shape
    lungs[rows // 10 : rows * 8 // 10, columns // 10 : columns * 9 // 10] = True
    card = card_of(site, rotate_trunk(lungs, 12).of_film(film), f"{name}-trunk")
    assert [found.rule_id for found in card.findings if found.severity is not Severity.INFO] == []
    why = {rule.rule_id: {(fact.name, fact.reason) for fact in rule.missing} for rule in card.not_assessed}
    assert ("chest.rotation_ratio", Reason.UNPROVEN) in why["PA03.rotation"]
    assert ("rotation", False) in overlay_of(card).legend


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", FILMS)
def test_a_fault_raises_its_alert_with_its_marks(site: Site, name: str, fault: str) -> None:
    wanted = FAULTS[fault]
    card = card_of(site, wanted.make(film_of(name)), f"{name}-{fault}")
    alerts = [found.rule_id for found in card.findings if found.severity is not Severity.INFO]
    assert [rule for rule in alerts if rule.startswith(wanted.rule)], alerts
    strong = {kind for kind, strongly in overlay_of(card).legend if strongly}
    assert not wanted.drawn or wanted.drawn in strong
