"""A founded centre with its pages, and one browser for each person: what a browser would send, without one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from cloud_sync.central.app import create_app
from cloud_sync.central.database import Database
from cloud_sync.central.ingest import IngestStatus
from cloud_sync.central.settings import PortalSettings
from tests.unit.cloud_sync.central.authoring.stage import PA, Group, enter, people
from tests.unit.cloud_sync.central.signing.people import PASSPHRASE
from tests.unit.cloud_sync.central.test_pages import HASH, Browser

RULE = "/rules/draft/1/rule?id=PA03.rotation"


class Stage:
    """A founded centre and one browser for each person."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.group = database, Group.found(folder)
        people(database, HASH)
        self.app: FastAPI = create_app(
            PortalSettings(language="en"),
            database,
            lambda: IngestStatus(True, 0, ""),
            publishing=self.group.publishing,
        )
        self._browsers: dict[str, Browser] = {}

    def at(self, name: str) -> Browser:
        if name not in self._browsers:
            self._browsers[name] = Browser(self.app, enter(self.database, name))
        return self._browsers[name]

    def get(self, path: str, name: str = "li") -> str:
        answer = self.at(name).get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, name: str = "li", /, **fields: Any) -> httpx.Response:
        return self.at(name).post(path, data=fields)

    def done(self, path: str, name: str = "li", /, **fields: Any) -> str:
        answer = self.post(path, name, **fields)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def form(self, path: str = RULE) -> dict[str, Any]:
        """The fields of a page's form as a browser would send them."""
        page = self.get(path)
        fields: dict[str, Any] = {}
        body = page[page.index('<form class="rule"') :]
        for name, value in re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', body):
            fields.setdefault(name, [])
            fields[name].append(_plain(value))
        for name, inside in re.findall(r'<select name="([^"]+)">(.*?)</select>', body, re.S):
            fields[name] = re.findall(r'value="([^"]+)" selected', inside)
        for name, value in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', body, re.S):
            fields[name] = _plain(value)
        return fields | {"enabled": "on"}

    def edited(self, **changes: Any) -> str:
        return self.done(RULE, **(self.form() | changes))

    def with_limit(self, value: str = "0.3") -> None:
        """A draft of the PA pack with the limit at which a rotation warns."""
        self.done("/rules/begin", pack=PA)
        values = self.form()["limit_value"]
        assert isinstance(values, list)
        self.edited(limit_value=[value, *values[1:]])

    def submitted(self) -> str:
        self.with_limit()
        self.done("/rules/draft/1/submit", edit=2, note="Warn earlier", passphrase=PASSPHRASE)
        found = re.search(r'name="sha256" value="([0-9a-f]{64})"', self.get("/rules/draft/1/review", "wang"))
        assert found is not None
        return found[1]

    def release(self) -> None:
        self.done(
            "/rules/draft/1/approve",
            "wang",
            sha256=self.submitted(),
            note="Seen the replay",
            passphrase=PASSPHRASE,
        )


def _plain(text: str) -> str:
    for code, letter in (("&#34;", '"'), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(code, letter)
    return text
