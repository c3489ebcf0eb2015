"""Where images go on to, on the page of devices."""

from __future__ import annotations

from edge.forward.settings import ForwardSettings
from edge.forward.status import drop_former
from edge.store.schema import forward
from models.rules.verdict import Grade
from tests.unit.edge.console.stage import Stage


async def test_queues_are_shown_where_there_are_any(stage: Stage) -> None:
    case = stage.add(Grade.FEI)
    async with stage.logged_in() as browser:
        assert "Still to go" not in (await browser.get("/devices")).text
        row = {"destination": "old-pacs", "case_id": case, "state": "waiting", "next_at": 0, "updated_at": 0}
        stage.services.db.write(lambda c: c.execute(forward.insert().values(row)))
        # It is no longer in the settings: what waited for it is shown as refused.
        stage.services.db.write(lambda c: drop_former(c, ForwardSettings(), 1))
        page = (await browser.get("/devices")).text
    assert "Still to go" in page and "old-pacs" in page and "no destination" in page
    assert "no longer in the configuration" in page and "qcbox forward retry" in page
