"""Who vouches for what a box believes."""

from __future__ import annotations

from pathlib import Path

from cloud_sync.updates.listing import OWNER
from cloud_sync.updates.trust import Trust
from tests.attacks.repository import START, Group
from tests.unit.cloud_sync.updates.test_trust import YEAR_MS, Site


def test_the_people_who_vouch_for_a_release_are_named(tmp_path: Path) -> None:
    group = Group()
    site = Site(group, tmp_path, group.add(b"content" * 100))
    site.publish()
    site.refresh()
    assert site.trust.signers() == {site.target.sha256: ()}  # keys that say no owner
    area = group.keys.of["kb-general"]
    for name, key in zip(("li", "wang"), area, strict=True):
        key.public_key.unrecognized_fields[OWNER] = name
    group.delegate("kb-general", ["kb/general/*/*"])
    group.publish()
    site.serve()
    site.refresh()
    assert site.trust.signers() == {site.target.sha256: ("li", "wang")}
    site.now += YEAR_MS  # run out or not: they signed it
    assert site.trust.signers() == {site.target.sha256: ("li", "wang")}
    assert Trust(tmp_path / "other", None, wall=lambda: START, built=0).signers() == {}
