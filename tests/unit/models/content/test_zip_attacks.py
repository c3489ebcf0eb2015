"""A package has one form. Everything else is refused, for a reason, before anything in it is believed."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from capture.errors import Misuse
from models.content import archive
from models.content.manifest import NAME
from models.content.package import LARGEST, open_package
from tests.unit.models.content.zips import FILES, entries, good, members, patched, zipped


def refused(raw: bytes) -> str:
    with pytest.raises(Misuse) as caught:
        open_package(raw)
    text = caught.value.text
    assert text.zh != text.en
    return caught.value.code


def test_the_good_one_opens() -> None:
    package = open_package(good())
    assert (package.name, package.version, package.kind) == ("test-pack", 3, "pack")
    assert dict(package.files) == FILES


@pytest.mark.parametrize(
    "name",
    [
        "../evil.toml", "/etc/passwd", "a/../../b", "..\\evil", "C:evil", "a//b", "./a", "a/", "", "a\x00b",
        ".hidden", "a/.ssh", "con\nfig", "a b", "x" * 201, "名",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere(name: str) -> None:
    assert refused(entries(*members().items(), (name, b"x"))) == "content.name"


@pytest.mark.parametrize("name", ["rules.toml", "Rules.toml", "RULES.TOML"])
def test_two_files_of_one_name(name: str) -> None:
    assert refused(entries(*members().items(), (name, b"other"))) == "content.twice"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_entry(method: int) -> None:
    assert refused(zipped(members(), method)) == "content.packed"


def test_a_bomb_costs_nothing() -> None:
    """A gigabyte of zeros behind a megabyte is refused by its directory; nothing is unpacked."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
        target.open("z", "w") as into,
    ):
        for _ in range(64):
            into.write(bytes(1 << 20))
    tracemalloc.start()
    assert refused(made.getvalue()) == "content.packed"
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_a_stored_entry_that_promises_more_than_it_has() -> None:
    def promise(raw: bytearray, local: int, central: int) -> None:
        for at in (local + 18, local + 22, central + 20, central + 24):
            struct.pack_into("<I", raw, at, 10_000_000)

    assert refused(patched(good(), promise)) == "content.damaged"


def test_entries_that_share_their_bytes() -> None:
    """The quoted-overlap bomb (Fifield 2019): the directory names one body twice."""
    raw = bytearray(archive.written({"a": b"x" * 50, "b": b"x" * 50}))
    second = raw.rindex(b"PK\1\2")
    struct.pack_into("<I", raw, second + 42, 0)
    assert refused(bytes(raw)) == "content.damaged"


def test_too_large_before_anything_is_read() -> None:
    assert refused(bytes(LARGEST + 1)) == "content.size"


def test_too_large_for_its_kind() -> None:
    with pytest.raises(Misuse) as caught:
        from models.content.package import packed

        open_package(packed("p", FILES | {"README.md": bytes(9_000_000)}, "pack"))
    assert caught.value.code == "content.size"


def test_a_directory_of_very_many_entries_is_not_walked() -> None:
    many = entries(*((f"f{number}", b"") for number in range(archive.MOST_FILES + 1)))
    assert refused(many) == "content.size"


def test_an_encrypted_entry() -> None:
    def encrypt(raw: bytearray, local: int, central: int) -> None:
        raw[local + 6] |= 1
        raw[central + 8] |= 1

    assert refused(patched(good(), encrypt)) == "content.encrypted"


@pytest.mark.parametrize("mode", [0o120777, 0o040755, 0o060600, 0o010644])
def test_a_link_a_folder_a_device_a_pipe(mode: int) -> None:
    assert refused(zipped(members(), external_attr=mode << 16)) == "content.link"


@pytest.mark.parametrize("length", [0, 1, 21, 22, 100, 500, -1, -22, -60])
def test_cut_off_anywhere(length: int) -> None:
    assert refused(good()[:length]) in ("content.zip", "content.damaged")


@pytest.mark.parametrize("more", [b"\0", b"PK\5\6", b"x" * 22, good()])
def test_bytes_after_its_end(more: bytes) -> None:
    assert refused(good() + more) in ("content.zip", "content.damaged", "content.form")


def test_bytes_before_its_beginning() -> None:
    assert refused(b"#!/bin/sh\n" + good()) in ("content.form", "content.damaged")


def test_a_comment() -> None:
    raw = good()[:-2] + b"\5\0hello"
    assert refused(raw) == "content.zip"


def test_times_extra_fields_and_another_order() -> None:
    assert refused(zipped(members(), date_time=(2026, 1, 1, 0, 0, 0))) == "content.form"
    assert refused(zipped(members(), extra=b"\x99\x99\x04\x00evil")) == "content.form"
    assert refused(entries(*reversed(sorted(members().items())))) == "content.form"


def test_two_names_for_one_entry() -> None:
    """The local header says another name than the directory: readers would disagree about what it is."""

    def rename(raw: bytearray, local: int, central: int) -> None:
        raw[local + 30 : local + 39] = b"Pack.toml"

    assert refused(patched(good(), rename)) in ("content.damaged", "content.form")


@pytest.mark.parametrize("at", range(0, 100))
def test_any_byte_changed(at: int) -> None:
    raw = bytearray(good())
    raw[at * len(raw) // 100] ^= 0x55
    assert refused(bytes(raw)).startswith("content.")


def changed(change: Callable[[dict[str, bytes]], object]) -> bytes:
    files = members()
    change(files)
    return archive.written(files)


def test_a_file_with_another_hash() -> None:
    assert refused(changed(lambda files: files.update({"rules.toml": b"#"}))) == "content.hash"


def test_a_file_with_its_length_and_another_hash() -> None:
    swapped = FILES["pack.toml"].replace(b"version = 3", b"version = 4")
    assert refused(changed(lambda files: files.update({"pack.toml": swapped}))) == "content.hash"


def test_a_file_that_the_manifest_does_not_name() -> None:
    assert refused(changed(lambda files: files.update({"README.md": b"hello"}))) == "content.files"


def test_a_file_that_is_missing() -> None:
    assert refused(changed(lambda files: files.pop("rules.toml"))) == "content.files"


def test_no_manifest() -> None:
    assert refused(changed(lambda files: files.pop(NAME))) == "content.manifest"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version": 3', b'"version": -3'),
        (b'"version": 3', b'"version": "3"'),
        (b'"version": 3', b'"version": 3, "version": 4'),
        (b'"kind": "pack"', b'"kind": "program"'),
        (b'"name": "test-pack"', b'"name": "../test"'),
        (b'"format": 1', b'"format": 2'),
        (b'"format": 1', b'"format": 1, "run": "os.system"'),
        (b'{\n "area"', b'{"area"'),
        (b'"area": "general"', b'"area": NaN'),
        (b"{\n", b"\xff{\n"),
        (b"{\n", b"[" * 100_000),
    ],
)
def test_a_manifest_that_is_none_or_not_in_its_one_form(old: bytes, new: bytes) -> None:
    assert old in members()[NAME]
    assert (
        refused(changed(lambda files: files.update({NAME: files[NAME].replace(old, new, 1)})))
        == "content.manifest"
    )


@pytest.mark.parametrize("file", ["run.py", "model.pkl", "rules.json", "deep/rules.toml"])
def test_a_file_of_a_kind_that_content_never_has(file: str) -> None:
    """Somebody packs it up with tools of his own, hash and all."""
    import hashlib
    import json

    def add(files: dict[str, bytes]) -> None:
        tree = json.loads(files[NAME])
        tree["files"][file] = {"length": 1, "sha256": hashlib.sha256(b"1").hexdigest()}
        files[file] = b"1"
        files[NAME] = (json.dumps(tree, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()

    assert refused(changed(add)) == "content.kind"
