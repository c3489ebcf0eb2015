"""How a release is written in signed metadata, and read back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.updates.listing import area_of, custom_of, stored_path, target_of, target_path
from cloud_sync.updates.terms import Area, Audience, Kind, Target, Untrusted
from cloud_sync.updates.trust import Trust

PLAIN = Target(
    "kb/ct/chest-slices/3.zip", "ab" * 32, 9, "chest-slices", "pack", 3, 5, Audience(("north",), ("CT",)), "0.6.0"
)
words = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True)


@given(
    area=st.sampled_from(get_args(Area)), name=words, kind=st.sampled_from(get_args(Kind)),
    version=st.integers(1, 10**9 - 1), release=st.integers(1, 10**9),
    groups=st.lists(st.text(max_size=5), max_size=3),
    modalities=st.lists(words, max_size=3), min_agent=st.text(max_size=8),
)  # fmt: skip
def test_what_is_written_is_read(
    area: Area, name: str, kind: Kind, version: int, release: int, groups: list[str], modalities: list[str],
    min_agent: str,
) -> None:  # fmt: skip
    target = Target(
        target_path(area, name, version), "0f" * 32, 12, name, kind, version, release,
        Audience(tuple(groups), tuple(modalities)), min_agent,
    )  # fmt: skip
    assert target_of(target.path, 12, {"sha256": target.sha256}, custom_of(target)) == target
    assert area_of(target.path) == area


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "plugin"}, {"name": "other"}, {"version": 4}, {"release": 0}, {"release": "5"}, {"release": None},
        {"audience": None}, {"audience": []}, {"audience": {"groups": "north"}}, {"audience": {"groups": [1]}},
        {"audience": {"sites": ["a"]}}, {"min_agent": 6}, {"min_agent": None},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_not_listed(changed: dict[str, Any]) -> None:
    assert target_of(PLAIN.path, 9, {"sha256": PLAIN.sha256}, custom_of(PLAIN) | changed) is None


@pytest.mark.parametrize(
    "path",
    ["kb/ct/x.zip", "kb/us/chest-slices/3.zip", "/kb/ct/chest-slices/3.zip", "kb/ct/../chest-slices/3.zip",
     "kb/ct/chest-slices/03.zip", "kb/ct/chest-slices/3.zip/", "kb/ct/Chest/3.zip", "kb/ct/chest-slices/3.tar"],
)  # fmt: skip
def test_a_path_of_another_shape_is_not_listed(path: str) -> None:
    assert target_of(path, 9, {"sha256": PLAIN.sha256}, custom_of(PLAIN)) is None
    assert area_of(path) is None


@pytest.mark.parametrize("hashes", [{}, {"sha512": "ab" * 64}, {"sha256": "AB" * 32}, {"sha256": "../x"}])
def test_without_a_plain_sha256_it_is_not_listed(hashes: dict[str, str]) -> None:
    assert target_of(PLAIN.path, 9, hashes, custom_of(PLAIN)) is None
    assert target_of(PLAIN.path, 9, hashes, None) is None


def test_its_file_has_its_hash_in_the_name() -> None:
    assert stored_path(PLAIN) == f"kb/ct/chest-slices/{'ab' * 32}.3.zip"


def fits(target: Target = PLAIN, **changes: Any) -> str:
    """Nothing, or why not."""
    asked: dict[str, Any] = {
        "groups": ("north", "x"),
        "modalities": ("CT",),
        "agent": "0.6.0",
        "highest_release": 5,
    }
    try:
        Trust.fits(target, **(asked | changes))
    except Untrusted as error:
        return error.code
    return ""


def test_whom_it_is_for() -> None:
    assert fits() == ""
    assert fits(groups=()) == fits(groups=("south",)) == fits(modalities=("MR",)) == "audience"
    assert fits(modalities=()) == "audience", "a box that knows nothing of itself is not meant"
    everybody = replace(PLAIN, audience=Audience())
    assert fits(everybody, groups=(), modalities=()) == ""


@pytest.mark.parametrize(
    ("agent", "code"),
    [("0.6.0", ""), ("0.6", ""), ("0.6.1", ""), ("0.10", ""), ("1", ""), ("0.6.0rc1", ""), ("0.6.0.dev3+g12", ""),
     ("0.5.9", "min_agent"), ("0.5", "min_agent"), ("", "min_agent"), ("unknown", "min_agent")],
)  # fmt: skip
def test_how_new_the_program_must_be(agent: str, code: str) -> None:
    assert fits(agent=agent) == code


def test_a_release_never_goes_back() -> None:
    assert fits(highest_release=6) == "release"
    assert fits(highest_release=0) == ""
