"""Any files of a pack make one package, and it opens to what it was made of."""

from __future__ import annotations

import io
import zipfile

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capture.errors import Misuse
from models.content import archive
from models.content.manifest import NAME
from models.content.package import open_package, packed
from tests.unit.models.content.zips import FILES, good

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}){0,2}", fullmatch=True)
CONTENTS = st.dictionaries(NAMES, st.binary(max_size=200), max_size=8)


@settings(max_examples=150, deadline=None)
@given(CONTENTS, st.randoms(use_true_random=False))
def test_an_archive_is_read_as_it_was_written_whatever_the_order(files: dict[str, bytes], order: object) -> None:
    assume(len({name.lower() for name in files}) == len(files))
    shuffled = list(files.items())
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # random.Random
    raw = archive.written(dict(shuffled))
    assert raw == archive.written(files)
    assert archive.read(raw, 10_000_000) == files
    with zipfile.ZipFile(io.BytesIO(raw)) as other:
        assert {name: other.read(name) for name in other.namelist()} == files


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000))
def test_a_package_opens_to_what_it_was_made_of(readme: bytes) -> None:
    files = FILES | {"README.md": readme}
    raw = packed("test-pack", files, "pack")
    package = open_package(raw)
    assert dict(package.files) == files
    assert archive.written({**package.files, NAME: package.manifest.dump()}) == raw
    assert packed("another folder", dict(reversed(files.items())), "pack") == raw


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(good()) - 1), st.integers(1, 255), st.integers(0, 40))
def test_no_change_of_bytes_is_believed(at: int, change: int, more: int) -> None:
    raw = bytearray(good())
    raw[at] ^= change
    for offset in range(more):
        raw[(at + 7 * offset + 1) % len(raw)] ^= 0xA5
    try:
        open_package(bytes(raw))
    except Misuse as error:
        assert error.code.startswith("content.")
    else:
        raise AssertionError("another file with the same content is no package")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_no_package(raw: bytes) -> None:
    for one in (raw, raw + good()[-22:], good()[:300] + raw):
        try:
            open_package(one)
        except Misuse as error:
            assert error.code.startswith("content.")
        else:
            raise AssertionError("noise was read as a package")
