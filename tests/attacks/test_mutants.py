"""Each of our own rules is missed by an attack of the table when it is taken away."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from cloud_sync.central.serving import shelf
from cloud_sync.updates import from_folder
from cloud_sync.updates.clock import Floor
from cloud_sync.updates.trust import Trust
from tests.attacks.scene import TABLE, Attack, Scene
from tests.attacks.test_attacks import beginning, run, scene, way

__all__ = ["beginning", "scene", "way"]

KILLED_BY = {
    "no_time_floor": ["frozen_and_the_clock_set_back", "frozen_and_the_clock_before_the_program"],
    "no_audience_check": ["genuine_for_another_group", "genuine_for_another_modality"],
    "verify_only_at_download": ["withdrawn", "another_content_made_active_on_the_disk"],
    "no_release_counter": ["older_content_as_a_new_version"],
    "follows_links": ["link_instead_of_content"],
}
"""Mutant to the attacks that must find it out."""
_CHANGED = (
    (Floor, "least"),
    (Trust, "fits"),
    (Trust, "check"),
    (from_folder, "open_inside"),
    (shelf, "open_inside"),
)


@pytest.fixture
def mutant(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    for owner, name in _CHANGED:
        # Set to what it is, so that it is put back whatever the mutant makes of it.
        monkeypatch.setattr(owner, name, vars(owner)[name])
    importlib.import_module(f"tests.attacks.mutants.{request.param}").mutate()
    yield request.param


@pytest.mark.parametrize(
    ("mutant", "attack"),
    [(mutant, one) for mutant, names in KILLED_BY.items() for one in TABLE if one.name in names],
    indirect=["mutant"],
    ids=lambda value: value.name if isinstance(value, Attack) else str(value),
)
@pytest.mark.parametrize("way", ["folder"], indirect=True)
def test_mutant_is_killed(mutant: str, attack: Attack, scene: Scene) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(attack, scene)


def test_every_named_attack_is_in_the_table() -> None:
    assert {name for names in KILLED_BY.values() for name in names} <= {attack.name for attack in TABLE}
