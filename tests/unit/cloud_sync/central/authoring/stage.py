"""Results as a box makes them of given facts, a founded repository with authors' keys, and the centre's pages."""

from __future__ import annotations

import atexit
import random
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, NoPixels, Technique
from cloud_sync.central import accounts
from cloud_sync.central.authoring.library import Library
from cloud_sync.central.authoring.texts import PackText, read_folder
from cloud_sync.central.database import Database
from cloud_sync.central.judging import judge
from cloud_sync.central.signing.composing import Founders
from cloud_sync.central.signing.repository import Repository
from cloud_sync.central.signing.settings import PublishingSettings
from cloud_sync.central.storing import store
from cloud_sync.wire.codec import encode
from cloud_sync.wire.messages import ResultData
from edge.pipeline.report import Pseudonymizer, result_data
from models.catalogue import catalogue
from models.measurement import Measured, Measurement, Measurements, NotMeasured, Reason, Value
from models.rules.evaluate import evaluate
from models.rules.pack import RulePack, RuleSet
from models.rules.verdict import Verdict
from tests.simulated_box import STREAM, now_ms, result_event
from tests.unit.cloud_sync.central.signing.people import PASSPHRASE, Keyring
from tests.unit.cloud_sync.central.test_fleet import birth, say

PA = "radiography-chest-pa"
SHIPS = read_folder(files("models.rules") / "packs" / PA).version
"""The version of this pack that ships: what is released here is the next one."""
_GOOD: Mapping[str, Value] = {
    "object.is_image": True, "object.is_localizer": False, "object.is_secondary_capture": False,
    "dicom.Modality": "DX", "body.part": "CHEST", "view.projection": "PA", "exam.kind": "chest_pa",
    "spacing.present": True, "chest.margin_least_mm": 25.0, "chest.excess_field_ratio": 0.3,
    "chest.clavicle_height_difference_mm": 4.0, "chest.spine_tilt_deg": 1.0, "chest.posterior_ribs": 10.0,
    "exposure.deviation_index": 0.2, "person.age_years": 40.0, "dicom.KVP": 120.0,
}  # fmt: skip


@cache
def factory() -> tuple[tuple[RulePack, ...], Mapping[str, PackText]]:
    """The packs that ship, compiled, and their texts by name."""
    library = Library(Repository(Path("/nowhere")))
    return library.packs(), {name: one.text for name, one in library.factory().items()}


def ruleset(packs: Iterable[RulePack]) -> RuleSet:
    return RuleSet(tuple(sorted(packs, key=lambda pack: (pack.layer, pack.name))), catalogue(), 0)


def film(**facts: Value) -> Measurements:
    """The facts of a good PA film with these (``chest__rotation_ratio=0.3``) over them."""
    return measured(dict(_GOOD) | {name.replace("__", ".", 1): value for name, value in facts.items()})


def measured(values: Mapping[str, Value]) -> Measurements:
    """These facts, and of the others in the catalogue why there are none."""
    names = catalogue()

    def one(name: str) -> Measured:
        if name in values:
            return Measurement(name, values[name], names[name].unit, "test/1")
        absent = name.startswith("dicom.")
        return NotMeasured(name, Reason.NOT_IN_HEADER if absent else Reason.NOT_RELIABLE)

    return Measurements(map(one, names))


def told(facts: Measurements, verdict: Verdict, received: int = 0) -> ResultData:
    """The message that the appliance makes of a verdict."""
    kinds = Exam(Modality=facts.text("dicom.Modality")), Technique(), Device(StationName="DR1"), Display()
    read = Acquisition("", Identity(), *kinds, NoPixels("file.no_pixels"))
    return result_data(read, facts, verdict, received, received, "DR1", Pseudonymizer(b"k" * 32))


def films(number: int) -> list[Measurements]:
    """As a week has them: most are good, some rotated, some cut off."""
    chance = random.Random(number)
    return [
        film(
            chest__rotation_ratio=round(abs(chance.gauss(0.3, 0.2)), 3),
            chest__margin_least_mm=round(max(0.0, chance.gauss(18, 8)), 1),
            chest__posterior_ribs=float(chance.choice((8, 9, 9, 10, 10, 10))),
        )
        for _ in range(number)
    ]


def fill(database: Database, boxes: Sequence[str], facts: Sequence[Measurements]) -> None:
    """Results of boxes, in turn, judged by what ships."""
    rules, now = ruleset(factory()[0]), now_ms()
    for site, box in zip(("North", "South", "West"), boxes, strict=False):
        say(database, birth().model_copy(update={"site": site}), now=now)
        with database.write() as connection:
            connection.exec_driver_sql("update box set name = ? where name = 'box-a'", (box,))
    batch = []
    for number, film in enumerate(facts):
        box = boxes[number % len(boxes)]
        data = told(film, evaluate(film, rules, {}), now - 60_000 * (len(facts) - number))
        batch.append(judge(box, encode(result_event(box, STREAM, number // len(boxes) + 1, data=data)), {}))
    with database.write() as connection:
        store(database, connection, batch, now)


@dataclass(frozen=True, slots=True)
class Group:
    """Two authors, li and wang, with keys; the repository is founded."""

    publishing: PublishingSettings
    repository: Repository

    @classmethod
    def found(cls, folder: Path) -> Group:
        """A copy of the one that was founded first."""
        shutil.copytree(_founded(), folder / "group")
        publishing = PublishingSettings(
            repository=folder / "group/repository", keys=folder / "group/keys", online_key="centre-online",
            online_passphrase=folder / "group/online.txt",
        )  # fmt: skip
        return cls(publishing, Repository(publishing.repository))


@cache
def _founded() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="qc-group-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ring = Keyring(folder / "keys")
    (folder / "online.txt").write_text(PASSPHRASE, "utf-8")
    repository = Repository(folder / "repository")
    people = ring.cards("an bo chen", "root"), ring.cards("ding en fang", "targets")
    areas = {"radiography": ring.cards("li wang", "content")}
    centre = ring.signer("centre", "online")
    proposal = repository.found(Founders(*people, centre.card, areas))  # type: ignore[arg-type]
    for owner, purpose in (("an", "root"), ("bo", "root"), ("ding", "targets"), ("en", "targets")):
        repository.sign(proposal.id, ring.signer(owner, purpose))  # type: ignore[arg-type]
    repository.publish(repository.proposal(proposal.id), centre)
    return folder


def people(database: Database, secret_hash: str) -> None:
    """Accounts: li, wang and ma write rules (ma has no key), boss administers."""
    with database.write() as connection:
        for name, role in (("li", "qc-group"), ("wang", "qc-group"), ("ma", "qc-group"), ("boss", "admin")):
            accounts.add(connection, name, role, secret_hash, now_ms(), by="test")


def enter(database: Database, name: str) -> str:
    """The token of a new session: no password is hashed for it."""
    with database.write() as connection:
        return accounts.enter(connection, name, now_ms(), now_ms() + 3_600_000)
