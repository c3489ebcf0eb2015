"""What judges, from whom, what changed rule by rule; and who may take it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_sync.updates.listing import OWNER
from cloud_sync.wire.enrolment import Grant
from edge.clock import now_ms
from edge.content.machine import Machine
from edge.enrol.folder import Folder
from edge.store import audit, content
from tests.signed_content import Publisher, bring, pack
from tests.unit.edge.console.stage import Stage


@pytest.fixture
def group(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "repository")


async def test_without_a_group_the_page_says_what_ships(stage: Stage) -> None:
    async with stage.logged_in("technologist") as browser:
        page = await browser.get("/content")
        assert "knows no QC group yet" in page.text
        assert "dicom-header" in page.text
        one = await browser.get("/content/dicom-header")
        assert "ships with the program" in one.text
        assert (await browser.get("/content/no-such-name")).status_code == 404


async def test_who_signed_is_named(stage: Stage, group: Publisher) -> None:
    for name, key in zip(("li", "wang"), group.group.keys.of["kb-radiography"], strict=True):
        key.public_key.unrecognized_fields[OWNER] = name
    group.group.delegate("kb-radiography", ["kb/radiography/*/*"])
    await bring(stage.services, group, group.release(pack()))
    async with stage.logged_in("technologist") as browser:
        for path in ("/content", "/content/kv-check"):
            assert "signed by li, wang, who answer for radiography" in (await browser.get(path)).text


async def test_what_changed_is_said_rule_by_rule(stage: Stage, group: Publisher) -> None:
    first = group.release(pack(version=1, most=150.0))
    second = group.release(pack(version=2, most=120.0, severity="minor", zh="电压高", en="Voltage is high"))
    await bring(stage.services, group, first, second)
    async with stage.logged_in("technologist") as browser:
        page = await browser.get("/content")
        assert second.sha256 in page.text
        assert "signed by two people who answer for radiography" in page.text
        one = (await browser.get("/content/kv-check")).text
        for before, after in (("150", "120"), ("Major", "Minor"), ("Tube voltage too high", "Voltage is high")):
            assert f"<del>{before}" in one
            assert f"<ins>{after}" in one
        await browser.post("/language", data={"language": "zh_CN"})
        chinese = (await browser.get("/content/kv-check")).text
        for before, after in (("150", "120"), ("重要", "次要"), ("管电压过高", "电压高")):
            assert f"<del>{before}" in chinese
            assert f"<ins>{after}" in chinese
        assert "Take back" not in one
        refused = await browser.post("/content/kv-check/rollback", data={"reason": "no"})
        assert refused.status_code == 403


@pytest.mark.parametrize("role", ["qc-lead", "engineer"])
async def test_it_is_taken_back_with_a_reason(stage: Stage, group: Publisher, role: str) -> None:
    first, second = (group.release(pack(version=version, most=100.0 + version)) for version in (1, 2))
    await bring(stage.services, group, first, second)
    told: list[bool] = []
    stage.services.rulebook.on_change(lambda: told.append(True))
    async with stage.logged_in(role) as browser:  # type: ignore[arg-type]
        assert (await browser.post("/content/kv-check/rollback", data={"reason": " "})).status_code == 422
        answer = await browser.post("/content/kv-check/rollback", data={"reason": "Too strict"})
        assert answer.status_code == 303
        page = (await browser.get("/content/kv-check")).text
        assert "Too strict" in page
        slot = stage.services.db.read(lambda c: content.slot(c, "kv-check"))
        assert slot.active is not None
        assert (slot.active.version, slot.previous) == (1, None)
        await browser.post("/content/kv-check/rollback", data={"reason": "This one, too"})
        gone = await browser.post("/content/kv-check/rollback", data={"reason": "And again"})
        assert gone.status_code == 422
    entries = stage.services.db.read(lambda c: audit.of_subject(c, "kv-check"))
    assert [one.action for one in entries] == ["content.rolled_back"] * 2
    assert told == [True, True]


async def test_both_errors_are_on_the_page(stage: Stage, group: Publisher) -> None:
    first, second = (group.release(pack(version=version, most=100.0 + version)) for version in (1, 2))
    await bring(stage.services, group, first)
    await bring(stage.services, group, second, as_of="probation")
    machine = Machine(stage.services.outbox, stage.services.reporter)

    def fail(connection: object) -> None:
        for code in ("probation.alerts", "trust.hash"):
            active = content.slot(connection, "kv-check").active  # type: ignore[arg-type]
            assert active is not None
            machine.fall(connection, active, code, "", 1)  # type: ignore[arg-type]

    stage.services.db.write(fail)
    async with stage.logged_in("engineer") as browser:
        page = (await browser.get("/content")).text
        assert "The alert rate is far from what it was" in page
        assert "the way back failed, too" in page
        assert "The content is not what was signed" in page


async def test_banners_say_that_trust_or_clock_is_wrong(stage: Stage) -> None:
    stage.services.db.write(lambda c: content.keep(c, "stale", "trust.expired"))
    stage.services.db.write(lambda c: content.keep(c, "clock_ms", str(-10 * 365 * 24 * 3600 * 1000)))
    async with stage.logged_in("technologist") as browser:
        for path in ("/", "/content"):
            page = (await browser.get(path)).text
            assert "Signed content cannot be renewed" in page
            assert "The clock of this box is wrong" in page


@pytest.mark.parametrize(("days", "technologist"), [(20, False), (-2, True)])
async def test_a_banner_on_the_certificate(stage: Stage, days: int, technologist: bool) -> None:
    """To those who can do something about it; once it has run out, to everybody."""
    folder, ends = Folder(stage.services.settings.enrolment_path), now_ms() + days * 86_400_000 + 3_600_000
    folder.key("a")
    folder.keep("a", grant(ends), "current")
    title = "The certificate of this box has run out"
    if days > 0:
        title = "Certificate of this box not renewed: 20 days left"
    for role, shown in (("technologist", technologist), ("engineer", True), ("qc-lead", True)):
        async with stage.logged_in(role) as browser:  # type: ignore[arg-type]
            for path in ("/", "/content"):
                page = (await browser.get(path)).text
                assert (title in page) is shown, (role, path)
                assert ("https://qc.example:8443" in page) is (role != "technologist")


def grant(ends: int) -> Grant:
    return Grant(
        box="b-1", certificate="pem", authorities="pem", not_before=ends - 90 * 86_400_000, not_after=ends,
        broker_host="mqtt.example", broker_port=8883, enrolment="https://qc.example:8443",
    )  # fmt: skip
