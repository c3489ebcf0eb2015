"""Whatever a program sends to the JSON API is answered, in its own form, and never by a bug."""

import asyncio
import json
from pathlib import Path
from urllib.parse import quote

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.rules.verdict import Grade
from tests.unit.edge.console.stage import build

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "case_id": st.sampled_from(["CASE", "0" * 12 + "-" + "0" * 16]) | json_values,
        "action": st.sampled_from(["accept", "repeat", "override"]) | json_values,
        "reason_code": st.sampled_from(["111209"]) | json_values,
        "comment": st.text(max_size=50) | json_values,
    },
)


def test_the_api_answers_anything_without_a_bug(tmp_path: Path) -> None:
    stage = build(tmp_path)
    case = stage.add(Grade.FEI)

    with asyncio.Runner() as runner:
        logged_in = stage.logged_in()
        browser = runner.run(logged_in.__aenter__())

        @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
        @example(
            {"case_id": "CASE", "action": "override", "reason_code": "111209", "comment": "\ud800 x"}, "", 1, b""
        )
        @example(None, "x", 10**30, b"")
        @given(
            wishes | json_values,
            st.text(max_size=30),
            st.integers() | st.text(max_size=12),
            st.binary(max_size=40),
        )
        def fuzz(wish: object, text: str, number: int | str, raw: bytes) -> None:
            body = json.dumps(wish).replace("CASE", case)
            headers = {"Content-Type": "application/json"}
            part = quote(text, safe="", errors="replace")
            for method, path, content in (
                ("POST", "/api/v1/decisions", body.encode("utf-8", "replace")),
                ("POST", "/api/v1/decisions", raw),
                ("GET", f"/api/v1/cases/{part}", b""),
                ("GET", f"/api/v1/cases?limit={quote(str(number), safe='', errors='replace')}", b""),
                ("GET", f"/api/v1/alerts?after={quote(str(number), safe='', errors='replace')}", b""),
                ("DELETE", f"/api/v1/decisions/{quote(str(number), safe='', errors='replace')}", b""),
            ):
                answer = runner.run(browser.request(method, path, content=content, headers=headers))
                assert answer.status_code < 500, (method, path, content)
                if answer.status_code >= 400 and path.startswith("/api/v1/decisions"):
                    assert {"code", "text", "hint"} <= set(answer.json())

        fuzz()
        runner.run(logged_in.__aexit__(None, None, None))
    stage.close()
