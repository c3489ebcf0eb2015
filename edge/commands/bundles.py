"""``qcbox bundles``: the networks that ship and drafts of others: what they are, and whether they hold."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from models.bundles import golden
from models.bundles.bundle import Bundle, read_bundle
from models.bundles.door import family
from models.bundles.library import Library
from models.bundles.metadata import CARD, Tensor
from models.content import drafts, factory
from models.content.package import Package

app = typer.Typer(no_args_is_help=True, help="Networks (MONAI bundles with ONNX): list, check, inspect.")

_Bundles = Annotated[
    list[Path] | None, typer.Option("--bundles", exists=True, help="More networks, beside our own.")
]
_Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs, in both languages.")]


@app.command("list")
def list_bundles(bundles: _Bundles = None, as_json: _Json = False) -> None:
    """Every network that ships: name, version, size, fingerprint, task. What judges: qcbox content status."""
    for bundle in Library(read_bundle(package) for package in _all(bundles)):
        if as_json:
            typer.echo(json.dumps(asdict(bundle.fingerprint) | {"size": bundle.size}))
        else:
            size = bundle.size / 1e6
            head = f"{bundle.name:24} {bundle.version:8} {size:5.1f} MB  {bundle.sha256[:12]}"
            typer.echo(f"{head}  {bundle.metadata.task}")


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(exists=True, help="Bundles, or folders of them.")] = None,
    lang: _Lang = None,
) -> None:
    """Run networks (without PATHS our own) and compare with their goldens. Exit 1: they differ; 2: unusable."""
    tongue = lang or language()
    differs = False
    for package in _networks(paths) if paths else factory.bundles():
        bundle = read_bundle(package)
        bundle.warm_up()
        held = golden.check(bundle, package.files)
        differs |= not all(one.holds for one in held)
        typer.echo(f"{bundle.name} {bundle.version} {bundle.sha256[:12]}  {_judged(bundle, held).get(tongue)}")
    raise typer.Exit(1 if differs else 0)


@app.command()
def inspect(
    name: Annotated[str, typer.Argument(metavar="BUNDLE", help="A network's name.")],
    bundles: _Bundles = None,
    card: Annotated[bool, typer.Option("--card", help="Print its card, docs/README.md, instead.")] = False,
    lang: _Lang = None,
) -> None:
    """One network: what it is for, who made it, what goes in and comes out, and the facts that use it."""
    found = next((package for package in _all(bundles) if package.name == name), None)
    if found is None:
        raise Misuse(
            "bundle.unknown",
            Bilingual(f"没有网络包 {name}", f"there is no bundle {name}"),
            Bilingual("`qcbox bundles list` 列出全部", "`qcbox bundles list` names them all"),
        )
    if card and CARD in found.files:
        typer.echo(found.files[CARD].decode("utf-8", "replace"))
        return
    for line in _lines(read_bundle(found), lang or language()):
        typer.echo(line)


def _all(folders: list[Path] | None) -> Iterator[Package]:
    yield from factory.bundles()
    yield from _networks(folders or [])


def _networks(folders: list[Path]) -> Iterator[Package]:
    return (package for package in drafts.packages(folders) if package.kind == "bundle")


def _judged(bundle: Bundle, held: tuple[golden.Held, ...]) -> Bilingual:
    started = time.process_time()
    bundle.warm_up()
    took = f"{1000 * (time.process_time() - started):.0f} ms"
    if not held:
        return Bilingual(f"可以运行，{took}；没有验证样本", f"runs, {took}; it has no goldens")
    worst = max(one.difference for one in held)
    wrong = ", ".join(one.name for one in held if not one.holds)
    if wrong:
        return Bilingual(f"与 {wrong} 相差 {worst:.2g}", f"differs from {wrong} by {worst:.2g}")
    return Bilingual(
        f"{len(held)} 个验证样本一致（最大相差 {worst:.1g}），{took}",
        f"{len(held)} goldens hold (largest difference {worst:.1g}), {took}",
    )


def _lines(bundle: Bundle, tongue: str) -> Iterator[str]:
    about, form = bundle.metadata, bundle.metadata.network_data_format
    yield typer.style(f"{bundle.name} {bundle.version}", bold=True) + f"  {bundle.size / 1e6:.1f} MB"
    yield f"sha256 {bundle.sha256}"
    yield about.task
    yield about.description
    rows = (
        (Bilingual("作者", "authors"), about.authors),
        (Bilingual("版权", "copyright"), about.copyright),
        (Bilingual("用途", "intended use"), about.intended_use),
        (Bilingual("数据来源", "data"), about.data_source),
    )
    yield from (f"{label.get(tongue)}: {text}" for label, text in rows if text)
    for arrow, tensors in (("->", form.inputs), ("<-", form.outputs)):
        yield from (f"{arrow} {_tensor(name, tensor)}" for name, tensor in tensors.items())
    for spec in bundle.door.fact if bundle.door else ():
        words = spec.zh if tongue.startswith("zh") else spec.en
        yield f"= {family(bundle.name)}.{spec.name}{f' [{spec.unit}]' if spec.unit else ''}  {words}"


def _tensor(name: str, tensor: Tensor) -> str:
    shape = " x ".join(map(str, (tensor.num_channels, *tensor.spatial_shape)))
    return f"{name} {shape} {tensor.dtype}: {', '.join(tensor.channels)}"
