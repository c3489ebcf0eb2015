"""The kinds of content: which files each has, and what its manifest says of them. Pure, and free of networks."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ValidationError

from capture.errors import Misuse
from capture.screen.template import load as load_template
from capture.text import Bilingual
from models.bundles.files import SEAL, check_seal
from models.bundles.metadata import GOLDENS, METADATA, NETWORK, Metadata, read_metadata
from models.content.archive import valid_name
from models.content.manifest import Area, FileEntry, Kind, Manifest
from models.rules.reading import CASES, HEAD, RULES, read_cases, read_head

TEMPLATE = "template.json"
MOST: Mapping[Kind, int] = {
    "pack": 8_000_000, "protocol": 8_000_000, "drl": 8_000_000, "template": 4_000_000, "bundle": 128_000_000,
}  # fmt: skip
"""Bytes of one package, and of one file in it."""
_PACK = frozenset((HEAD, RULES, CASES))
_NEEDED: Mapping[Kind, frozenset[str]] = {
    "pack": _PACK, "protocol": _PACK, "drl": _PACK,
    "template": frozenset((TEMPLATE,)), "bundle": frozenset((METADATA, NETWORK)),
}  # fmt: skip
_MAY_HAVE: Mapping[Kind, tuple[str, ...]] = {
    "pack": ("README.md",), "protocol": ("README.md",), "drl": ("README.md",), "template": ("README.md",),
    "bundle": ("configs/*.json", "configs/*.toml", f"{GOLDENS}/*.npz", "docs/*.md", "docs/*.txt", "LICENSE"),
}  # fmt: skip
"""Declarations, prose and one network; nothing that anybody would execute (no Python, no pickle)."""
_MARKS: Mapping[str, Kind] = {HEAD: "pack", METADATA: "bundle", TEMPLATE: "template"}
AREA_OF_MODALITY: Mapping[str, Area] = {
    "CT": "ct", "MR": "mr",
    "CR": "radiography", "DX": "radiography", "RG": "radiography", "RF": "radiography", "XA": "radiography",
}  # fmt: skip
"""Who answers for content that speaks of one modality."""
_NUMBERS = re.compile(r"(\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?")


def kind_of(folder: Path) -> Kind | None:
    """What a folder holds, by the file that each kind has; None: nothing that we know."""
    return next((kind for mark, kind in _MARKS.items() if (folder / mark).is_file()), None)


def check_names(kind: Kind, names: Collection[str], where: str = "") -> None:
    """Refuse files that content of this kind lacks or never has. Raises Misuse."""
    lacks = sorted(_NEEDED[kind] - set(names))
    if lacks:
        raise _refused("content.lacks", where, f"缺少 {', '.join(lacks)}", f"it has no {', '.join(lacks)}")
    allowed = (*_NEEDED[kind], *_MAY_HAVE[kind])
    odd = sorted(name for name in names if not _may_be(name, allowed))
    if odd:
        shown = ", ".join(odd[:3])
        raise _refused("content.kind", where, f"此类内容不含 {shown}", f"content of this kind never has {shown}")


def without_seal(files: Mapping[str, bytes], where: str) -> dict[str, bytes]:
    """The files without ``SHA256SUMS``, which must fit where it is: the manifest says the same. Raises Misuse."""
    kept = {name: content for name, content in files.items() if name != SEAL}
    if SEAL in files:
        check_seal(where, files[SEAL], kept)
    return kept


def manifest_of(
    kind: Kind, name: str, files: Mapping[str, bytes], entries: Mapping[str, FileEntry], where: str
) -> Manifest:
    """What the files say of themselves.

    Args:
        kind: what they are.
        name: of the folder; only a bundle has its name from there.
        files: by path, as :func:`check_names` demands.
        entries: the hash of each.
        where: what error texts begin with.

    Raises:
        Misuse: they do not say it, or not in the form of a manifest.
    """
    try:
        return _MAKERS[kind](kind, name, files, dict(entries), where)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _refused("content.manifest", where, f"{place}：{first['msg']}", f"{place}: {first['msg']}") from None


def _of_pack(
    kind: Kind, name: str, files: Mapping[str, bytes], entries: dict[str, FileEntry], where: str
) -> Manifest:
    head, cases = read_head(files[HEAD], where), read_cases(files[CASES], where)
    screen = "screen" in head.scope.medium
    return Manifest.model_validate(
        {
            "name": head.name,
            "version": head.version,
            "kind": kind,
            "area": "screen" if screen else area_of(head.scope.modality),
            "title": head.title.model_dump(),
            "note": head.note.model_dump(),
            "authors": head.authors,
            "min_agent": head.min_agent,
            "modality": head.scope.modality,
            "selftest": cases.count,
            "files": entries,
        }
    )


def _of_bundle(
    kind: Kind, name: str, files: Mapping[str, bytes], entries: dict[str, FileEntry], where: str
) -> Manifest:
    about = read_metadata(files[METADATA], f"{where}/{METADATA}")
    modality = _modalities(about)
    return Manifest.model_validate(
        {
            "name": name.lower().replace("_", "-"),
            "version": bundle_version(about, where),
            "kind": kind,
            "area": area_of(modality),
            "title": {"zh": about.qcbox.task_zh or about.task[:2000], "en": about.task[:2000]},
            "note": {"zh": about.qcbox.description_zh or about.description[:2000], "en": about.description[:2000]},
            "authors": [about.authors[:2000]],
            "min_agent": about.qcbox.min_agent,
            "modality": modality,
            "selftest": sum(path.startswith(f"{GOLDENS}/") for path in files),
            "files": entries,
        }
    )


def bundle_version(about: Metadata, where: str) -> int:
    """``1.2.3`` is 1002003; what follows the numbers (``rc1``, ``+cpu``) does not count. Raises Misuse."""
    found = _NUMBERS.match(about.version)
    parts = found.groups("0") if found else ()
    number = 0
    for part in parts:
        number = number * 1000 + int(part)
    if number < 1:
        raise _refused(
            "content.version", where, f"版本 {about.version} 不是数字", f"{about.version} is no version of numbers"
        )
    return number


def _of_template(
    kind: Kind, name: str, files: Mapping[str, bytes], entries: dict[str, FileEntry], where: str
) -> Manifest:
    template = load_template(files[TEMPLATE])
    title = {"zh": template.title, "en": template.title}
    return Manifest.model_validate(
        {
            "name": template.id,
            "version": template.version,
            "kind": kind,
            "area": "screen",
            "title": title,
            "note": title,
            "authors": ["qcbox teach"],
            "modality": [template.modality],
            "selftest": 0,
            "files": entries,
        }
    )


_MAKERS: Mapping[Kind, Callable[[Kind, str, Mapping[str, bytes], dict[str, FileEntry], str], Manifest]] = {
    "pack": _of_pack, "protocol": _of_pack, "drl": _of_pack, "template": _of_template, "bundle": _of_bundle,
}  # fmt: skip


def area_of(modalities: Collection[str]) -> Area:
    """Of the images that it speaks of; ``general`` for several areas, or any. SR goes with the rest."""
    areas = {AREA_OF_MODALITY.get(one, "general") for one in modalities if one != "SR"}
    return areas.pop() if len(areas) == 1 else "general"


def _modalities(about: Metadata) -> tuple[str, ...]:
    """Of a network's inputs, where they are words of DICOM; MONAI's own words say no Modality."""
    stated = {tensor.modality for tensor in about.network_data_format.inputs.values()}
    return tuple(sorted(one for one in stated if one in AREA_OF_MODALITY))


def _may_be(name: str, allowed: Collection[str]) -> bool:
    return valid_name(name) and any(
        fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for pattern in allowed
    )


def _refused(code: str, where: str, zh: str, en: str) -> Misuse:
    return Misuse(
        code,
        Bilingual(f"{where}：{zh}" if where else zh, f"{where}: {en}" if where else en),
        Bilingual("见手册“内容包”一页", "See the handbook's page on content packages"),
    )
