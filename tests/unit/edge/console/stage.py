"""A console on a real database, with cases stored by the pipeline's own code; no agent, no worker."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import httpx
import numpy as np
from fastapi import FastAPI
from sqlalchemy import Connection

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, NoPixels, Technique
from capture.arrival import Arrival, arrival_id
from capture.errors import SetAside
from capture.screen.settings import ScreenSettings
from capture.text import Bilingual
from cloud_sync.kit.secret import hash_secret
from edge.clock import now_ms
from edge.console.app import create_app
from edge.console.settings import ConsoleSettings
from edge.hands.settings import HandSettings
from edge.metrics import Metrics
from edge.overrides.in_force import Rulebook
from edge.pipeline.announce import Announcer
from edge.pipeline.outcome import Files, Stored, store_outcome, store_set_aside
from edge.pipeline.report import Pseudonymizer, Reporter
from edge.pipeline.work import Outcome
from edge.pipeline.worklist import Worklist
from edge.reading import ReadingRoom
from edge.services import LinkState, Services
from edge.settings import Settings, SiteSettings
from edge.store import accounts, cases
from edge.store.accounts import Account, Role
from edge.store.blobs import Blobs
from edge.store.database import Database
from edge.store.devices import device_key
from edge.store.outbox import Outbox
from edge.store.set_due import Quiet
from edge.store.sets import Kept, Visit
from models.circumstances import Circumstances
from models.measurement import Measured, Measurement, NotMeasured, Reason, Region
from models.rules.verdict import Finding, Fingerprint, Grade, Limit, NotAssessed, Severity, Verdict

DEVICE = Device(Manufacturer="Siemens", ManufacturerModelName="Ysio Max", StationName="DR-2")
SECRETS: dict[Role, str] = {"technologist": "482913", "qc-lead": "a long password", "engineer": "another password"}


def off_centre() -> Finding:
    """A major finding with a region, as the chest pack makes it."""
    return Finding(
        rule_id="PA01",
        level="fail",
        severity=Severity.MAJOR,
        group="position",
        deduct=20,
        title=Bilingual("左侧肺野未包全", "Lung field cut off at the left"),
        advice=Bilingual("请将探测器向患者左侧移动后重摄", "Move the detector to the patient's left and repeat"),
        evidence=(Measurement("clipping.bright_percent", 0.031, "%", "clipping/2"),),
        limits=(Limit("margin_mm", 3.0, "L0", "radiography-chest-pa"),),
        layer="L0",
        pack="radiography-chest-pa",
        source="EUR 16260, 3.1",
        evidence_label="mem",
        codes=("DCM:111209",),
        regions=(Region(0.02, 0.2, 0.14, 0.8),),
    )


def dim() -> Finding:
    """A minor warning without a region."""
    return Finding(
        rule_id="PA11",
        level="warn",
        severity=Severity.MINOR,
        group="exposure",
        deduct=3,
        title=Bilingual("曝光偏低(DI -1.4)", "Exposure low (DI -1.4)"),
        advice=Bilingual("检查电离室选择与管电流", "Check the AEC chamber and the tube current"),
        evidence=(Measurement("exposure.deviation_index", -1.4, "1", "exposure/1"),),
        limits=(),
        layer="L1",
        pack="radiography-general",
        source="IEC 62494-1",
        evidence_label="V",
    )


FINDINGS: dict[Grade | None, tuple[Finding, ...]] = {
    Grade.JIA: (),
    Grade.YI: (dim(),),
    Grade.BING: (off_centre(), dim()),
    Grade.FEI: (off_centre(), dim()),
    None: (),
}
SCORES = {Grade.JIA: 98.0, Grade.YI: 86.0, Grade.BING: 71.0, Grade.FEI: 43.0, None: None}


def verdict(grade: Grade | None) -> Verdict:
    return Verdict(
        grade=grade,
        score=SCORES[grade],
        findings=FINDINGS[grade],
        not_assessed=(
            NotAssessed(
                "PA03",
                Bilingual("体位旋转", "Rotation"),
                (NotMeasured("chest.rotation_deg", Reason.NO_MODEL),),
            ),
        ),
        passed=("HD01", "HD02"),
        packs=(Fingerprint("radiography-chest-pa", 1, "ab" * 32),),
    )


FACTS: tuple[Measured, ...] = (
    Measurement("exposure.deviation_index", -1.4, "1", "exposure/1"),
    Measurement("clipping.bright_percent", 0.0312345, "%", "clipping/2"),
    Measurement("dicom.StudyDescription", "ZZFREETEXT", "", "header/1"),
    NotMeasured("chest.rotation_deg", Reason.NO_MODEL),
)


def picture() -> bytes:
    """A small JPEG with something to see."""
    rows, columns = np.mgrid[0:96, 0:80]
    grey = 255 * np.exp(-(((rows - 48) / 30) ** 2 + ((columns - 40) / 22) ** 2))
    return bytes(cv2.imencode(".jpg", grey.astype(np.uint8))[1])


@dataclass
class Stage:
    """Everything a console test needs."""

    services: Services
    app: FastAPI
    people: dict[Role, Account]
    link: list[LinkState] = field(default_factory=lambda: ["connected"])
    count: int = 0

    def close(self) -> None:
        self.services.db.close()

    def add(
        self,
        grade: Grade | None = Grade.YI,
        *,
        name: str = "WANG^XIAOMING=王^小明",
        series: str | None = None,
        description: str = "Chest PA",
        modality: str = "DX",
        body_part: str | None = "CHEST",
        size: tuple[int, int] = (96, 80),
        device: Device = DEVICE,
        preview: bytes | None = None,
        given: Verdict | None = None,
        facts: tuple[Measured, ...] = FACTS,
        announce: bool = True,
        kept: Kept | None = None,
        study: str = "1.2.5",
    ) -> str:
        """One judged case, announced as dispatch does; returns its id."""
        arrival = self._arrival()
        read = Acquisition(
            arrival_id=arrival.id,
            identity=Identity(
                PatientID="P0001", PatientName=name, PatientBirthDate="19700101", AccessionNumber="ACC1",
                SOPInstanceUID=f"1.2.3.{self.count}", SeriesInstanceUID=series or f"1.2.4.{self.count}",
                StudyInstanceUID=study,
            ),
            exam=Exam(
                Modality=modality, BodyPartExamined=body_part, ViewPosition="PA" if modality == "DX" else None,
                StudyDescription=description,
                SeriesDescription=description,
            ),
            technique=Technique(),
            device=device,
            display=Display(Rows=size[0], Columns=size[1]),
            pixels=NoPixels("no_pixel_data"),
        )  # fmt: skip
        circumstances = Circumstances(
            received_at=arrival.received_at, device_key=device_key(device, arrival.calling_ae)
        )
        outcome = Outcome(read, circumstances, facts, given or verdict(grade), None, kept=kept)
        sha256 = self.services.blobs.put_bytes(preview or picture())
        db = self.services.db
        case = db.write(lambda c: cases.claim(c, now_ms()))
        assert case is not None
        files, quiet = Files(sha256), Quiet(15_000, 300_000)

        def store(connection: Connection) -> Stored:
            visit = Visit(connection, quiet, now_ms())
            stored = store_outcome(connection, self.services, case, outcome, files, visit)
            visit.close()
            return stored

        stored = db.write(store)
        assert stored.alert_id is not None
        if announce:
            self.services.announcer.announce("alert", stored.alert_id)
        return arrival.id

    def set_aside(self, code: str = "dicom.truncated") -> str:
        """One case that nobody could judge."""
        arrival = self._arrival()
        error = SetAside(
            code,
            Bilingual("文件在像素数据中间中断", "The file ends in the middle of its pixels"),
            Bilingual("请在设备上重新发送该图像", "Send the image again from the device"),
        )
        circumstances = Circumstances(received_at=arrival.received_at)
        case = self.services.db.write(lambda c: cases.claim(c, now_ms()))
        assert case is not None
        stored = self.services.db.write(lambda c: store_set_aside(c, self.services, case, circumstances, error))
        assert stored.alert_id is not None
        self.services.announcer.announce("alert", stored.alert_id)
        return arrival.id

    def _arrival(self) -> Arrival:
        self.count += 1
        sha256 = hashlib.sha256(str(self.count).encode()).hexdigest()
        received_at = now_ms() + self.count
        arrival = Arrival(
            arrival_id(received_at, sha256), sha256, 1000, "dicom", "dicom", received_at, "DR2", "10.0.0.7"
        )
        self.services.db.write(lambda c: cases.take_in(c, arrival, now_ms()))
        return arrival

    def browser(self, address: str = "10.0.0.5") -> httpx.AsyncClient:
        """A browser without a log-in, at another machine."""
        transport = httpx.ASGITransport(self.app, client=(address, 50000), raise_app_exceptions=False)
        headers = {"Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
        return httpx.AsyncClient(transport=transport, base_url="http://box", headers=headers)

    @contextlib.asynccontextmanager
    async def logged_in(
        self, role: Role = "technologist", address: str = "10.0.0.5"
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A browser that went through the log-in page."""
        async with self.browser(address) as browser:
            answer = await browser.post("/login", data={"name": role, "secret": SECRETS[role]})
            assert answer.status_code == 303, answer.text
            yield browser


@functools.cache
def hashed(secret: str) -> str:
    """Hashing is slow on purpose; once is enough for all tests."""
    return hash_secret(secret)


def build(
    folder: Path,
    *,
    screens: tuple[ScreenSettings, ...] = (),
    hands: tuple[HandSettings, ...] = (),
    reading: ReadingRoom | None = None,
    **console: object,
) -> Stage:
    """A fresh box with one account of each role; ``reading``: who reads its screens."""
    settings = Settings(
        data_dir=folder,
        site=SiteSettings(name="Test hospital"),
        console=ConsoleSettings.model_validate(console),
        screens=screens,
        hands=hands,
    )
    link: list[LinkState] = ["connected"]
    db = Database(settings.database_path)
    outbox = Outbox(db)
    services = Services(
        db=db,
        blobs=Blobs(settings.blobs_path),
        settings=settings,
        announcer=Announcer(),
        outbox=outbox,
        reporter=Reporter("box", outbox.boot, Pseudonymizer(b"k" * 32)),
        metrics=Metrics(),
        worklist=Worklist(settings.worklist, settings.site.timezone),
        rulebook=Rulebook(db, settings.content_path),
        link_status=lambda: link[0],
    )
    people: dict[Role, Account] = {}
    for role, secret in SECRETS.items():
        fields = {"name": role, "display_name": f"The {role}", "role": role, "language": "en"}
        secret_hash = hashed(secret)
        people[role] = db.write(
            lambda c, f=fields, h=secret_hash: accounts.add(c, **f, secret_hash=h, now=now_ms())  # type: ignore[misc]
        )
    return Stage(services, create_app(services, reading), people, link)
