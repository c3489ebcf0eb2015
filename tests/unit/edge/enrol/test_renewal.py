"""Renewal as a part of the agent: nothing it meets ends it, and an expired box comes back by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloud_sync.link.settings import LinkSettings
from cloud_sync.link.terms import Lost
from edge.enrol.folder import Folder
from edge.enrol.renewal import Renewal
from tests.enrolled_site import Clock, EnrolledSite
from tests.peers import wait_until

LINK = LinkSettings(enabled=False)


def certificate(folder: Folder) -> str:
    papers = folder.papers("current")
    assert papers is not None
    return papers.grant.certificate


async def test_a_box_with_an_expired_certificate_renews_by_itself(site: EnrolledSite) -> None:
    folder = site.enrolled("b-1")
    before, later, stop = certificate(folder), Clock(), asyncio.Event()
    later.days(95)
    running = asyncio.create_task(Renewal(folder, LINK, wall=later).run(stop))

    def renewed() -> bool:
        return certificate(folder) != before and not folder.unconfirmed.exists()

    await asyncio.to_thread(wait_until, renewed, "the new certificate is in use, and the centre knows")
    stop.set()
    await running


def test_what_goes_wrong_is_tried_again(site: EnrolledSite, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, later = site.enrolled("b-1"), Clock()
    later.days(62)
    before, renewal = certificate(folder), Renewal(folder, LINK, wall=later)

    def full(*given: object) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "keep", full)
        assert not renewal.look() and certificate(folder) == before
    with folder.held():
        assert not renewal.look(), "the command has the folder just now"
    site.revoke("b-1")
    assert not renewal.look() and certificate(folder) == before, "refused"
    site.stop_door()
    assert not renewal.look() and certificate(folder) == before, "nobody there"


@pytest.mark.parametrize(
    ("answers", "used"),
    [
        (["connection_lost"], True),
        (["session_taken_over", "connection_lost"], True),
        (["connection_lost"] * 3, False),
        (["not_authorized"], False),
    ],
)
def test_a_link_that_takes_the_place_of_the_trial_says_nothing_about_the_certificate(
    site: EnrolledSite, monkeypatch: pytest.MonkeyPatch, answers: list[str], used: bool
) -> None:
    folder, later = site.enrolled("b-1"), Clock()
    later.days(62)
    before = certificate(folder)

    def connects(link: object, papers: object) -> None:
        if answers:
            raise Lost(answers.pop(0))

    monkeypatch.setattr("edge.enrol.renewal.connects", connects)
    assert Renewal(folder, LinkSettings(), wall=later).look() is used
    assert (certificate(folder) != before) is used and not answers


def test_a_box_that_never_enrolled_has_nothing_to_renew(tmp_path: Path) -> None:
    assert Renewal(Folder(tmp_path / "none"), LINK).look()
    assert not (tmp_path / "none").exists()
    assert Renewal(Folder(tmp_path), LINK).look()
