"""``qcbox rules``: check a rule pack, list the rules in force, explain one, refit limits to the site's history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.commands.rules_refit import refit
from models.content import drafts
from models.rules.explain import explain_rule
from models.rules.pack import RuleSet
from models.rules.words import SEVERITIES

app = typer.Typer(no_args_is_help=True, help="Rule packs: check, list, explain, refit.")
app.command("refit")(refit)

_Packs = Annotated[
    list[Path] | None, typer.Option("--packs", exists=True, help="More rule packs, beside our own.")
]
_Bundles = Annotated[
    list[Path] | None, typer.Option("--bundles", exists=True, help="Networks whose facts the packs use.")
]
_Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs, in both languages.")]


@app.command()
def check(
    path: Annotated[Path, typer.Argument(exists=True, help="A rule pack, or a folder of packs.")],
    bundles: _Bundles = None,
    lang: _Lang = None,
) -> None:
    """Load a pack beside our own and run all cases. Exit 2 with file, rule and position when it is wrong."""
    rules = drafts.rules([path], bundles or ())
    said = Bilingual(
        f"{len(rules.packs)} 个规则包，{_count(rules)} 条规则，{rules.cases_held} 个用例全部通过",
        f"{len(rules.packs)} packs, {_count(rules)} rules, all {rules.cases_held} cases hold",
    )
    typer.echo(said.get(lang or language()))


@app.command("list")
def list_rules(packs: _Packs = None, bundles: _Bundles = None, lang: _Lang = None, as_json: _Json = False) -> None:
    """Every rule in force, by pack."""
    rules = drafts.rules(packs or (), bundles or ())
    tongue = lang or language()
    if as_json:
        typer.echo(json.dumps([_row(rules, pack.name) for pack in rules.packs], ensure_ascii=False, indent=2))
        return
    for pack in rules.packs:
        head = f"{pack.name} {pack.version}  {pack.layer}  {pack.title.get(tongue)}  {pack.sha256[:12]}"
        typer.echo(typer.style(head, bold=True))
        for rule in pack.rules:
            text = rule.spec.text.zh if tongue.startswith("zh") else rule.spec.text.en
            typer.echo(f"  {rule.spec.id:32} {SEVERITIES[rule.spec.severity].get(tongue):6} {text.title}")


@app.command()
def explain(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="A rule's id, such as PA03.rotation.")],
    packs: _Packs = None,
    bundles: _Bundles = None,
    lang: _Lang = None,
) -> None:
    """One rule: conditions, limits and who may change them, layer, pack, source."""
    rules = drafts.rules(packs or (), bundles or ())
    rule = rules.find(rule_id)
    if rule is None:
        raise Misuse(
            "rules.unknown",
            Bilingual(f"没有规则 {rule_id}", f"there is no rule {rule_id}"),
            Bilingual("`qcbox rules list` 列出全部规则", "`qcbox rules list` names them all"),
        )
    tongue = lang or language()
    for line in explain_rule(rules, rule):
        typer.echo(f"{line.label.get(tongue):14} {line.text.get(tongue)}")


def _count(rules: RuleSet) -> int:
    return sum(len(pack.rules) for pack in rules.packs)


def _row(rules: RuleSet, name: str) -> dict[str, object]:
    pack = next(pack for pack in rules.packs if pack.name == name)
    return {
        "pack": pack.name,
        "version": pack.version,
        "layer": pack.layer,
        "sha256": pack.sha256,
        "rules": [rule.spec.model_dump(mode="json") for rule in pack.rules],
        "overrides": [change.model_dump(mode="json", exclude_unset=True) for change in pack.overrides],
    }
