"""``qcbox bench calibration``: alerts on good films, and what an alert is worth, on films whose truth is known."""

from __future__ import annotations

import json as json_text
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.clock import now_ms
from edge.commands.judging import judge_file
from models.calibration import (
    BUDGET,
    PREVALENCES,
    Choice,
    Film,
    Judge,
    Performance,
    Rate,
    film_of,
    judges,
    performance,
    share_of,
    together,
)
from models.calibration import choose as choose_limit
from models.content import drafts
from models.judge import Content, Judgement

MANIFEST = "films.json"


class KnownFilm(BaseModel):
    """One line of ``films.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(description="DICOM file, relative to the manifest")
    patient: str = Field(description="Pseudonym; films of one patient are counted together")
    part: Literal["tune", "test"] = Field("test", description="tune: limits are chosen on it; test: reported")
    faults: tuple[str, ...] = Field((), description="Ids of the rules that should alert; empty: a good film")


class KnownFilms(BaseModel):
    """``films.json``: good films, and films with faults of known size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    films: tuple[KnownFilm, ...] = Field(min_length=1)


def bench_calibration(
    data: Annotated[
        Path, typer.Argument(exists=True, help="Folder with films.json; see the handbook, calibration.")
    ],
    pack: Annotated[
        list[str] | None, typer.Option("--pack", help="Packs to look at; chest packs by default.")
    ] = None,
    packs: Annotated[list[Path] | None, typer.Option(exists=True, help="More rule packs, beside our own.")] = None,
    budget: Annotated[
        float, typer.Option(min=0, max=1, help="Alerts per good film, all rules together.")
    ] = BUDGET,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Alerts per 100 good films, sensitivity and predictive value of each rule. Exit 1: the budget is broken."""
    content = drafts.content(packs or ())
    films = _films(data, content)
    names = pack or [one.name for one in content.rules.packs if one.name.startswith("radiography-chest")]
    found = judges(content.rules, names)
    tune, test = ([film for part, film in films if part == wanted] for wanted in ("tune", "test"))
    chosen = _chosen(found, tune, budget)
    seen = [performance(judge, test) for judge in found]
    told = [one for one in seen if one.good.films or one.faulty.films]
    joint = together(found, test)
    if json:
        typer.echo(json_text.dumps(_as_json(told, chosen, joint, budget), indent=1))
    else:
        for line in _lines(told, chosen, joint, budget):
            typer.echo(line)
    if (joint.value or 0.0) > budget:
        raise typer.Exit(1)


def _films(data: Path, content: Content) -> list[tuple[str, Film]]:
    """Judged one by one.

    Raises:
        Misuse: no manifest, not of its shape, or a film of it cannot be read.
    """
    file = data / MANIFEST if data.is_dir() else data
    try:
        known = KnownFilms.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise Misuse(
            "calibration.manifest",
            Bilingual(
                f"清单 {file} 不可用（{type(error).__name__}）", f"{file} is no manifest ({type(error).__name__})"
            ),
            Bilingual("格式见手册《校准》", "its form is in the handbook, calibration"),
        ) from None
    films: list[tuple[str, Film]] = []
    for number, one in enumerate(known.films, start=1):
        outcome = judge_file(file.parent / one.file, content, now_ms()).outcome
        if not isinstance(outcome, Judgement):
            raise Misuse(
                "calibration.film",
                Bilingual(
                    f"第 {number} 张图像无法读取：{outcome.code}", f"film {number} cannot be read: {outcome.code}"
                ),
                Bilingual("检查清单中的路径", "check its path in the manifest"),
            )
        films.append((one.part, film_of(one.patient, outcome.measurements, one.faults)))
    return films


def _chosen(found: Sequence[Judge], tune: Sequence[Film], budget: float) -> list[Choice]:
    """What the films of ``tune`` would change."""
    if not tune:
        return []
    share = share_of(found, tune, budget)
    made = [choose_limit(judge, tune, share) for judge in found]
    return [one for one in made if one is not None and one.after != one.before]


def _lines(told: Sequence[Performance], chosen: Sequence[Choice], joint: Rate, budget: float) -> list[str]:
    worth = "".join(f"{f'PPV {prevalence:.0%}':>18}" for prevalence in PREVALENCES)
    head = (
        Bilingual("规则", "rule"),
        Bilingual("良好图像误报/百张", "alerts/100 good"),
        Bilingual("灵敏度", "sensitivity"),
    )
    tongue = language()
    lines = [f"{head[0].get(tongue):32}{head[1].get(tongue):>20}{head[2].get(tongue):>22}{worth}"]
    for one in told:
        values = "".join(f"{_worth(one, prevalence):>18}" for prevalence in PREVALENCES)
        lines.append(f"{one.rule_id:32}{said(one.good, 100):>20}{said(one.faulty, 1):>22}{values}")
    over = (joint.value or 0.0) > budget
    verdict = Bilingual("超出预算" if over else "未超预算", "over the budget" if over else "within the budget")
    lines.append(
        Bilingual(
            f"全部规则：每百张良好图像 {said(joint, 100)} 次误报（预算 {100 * budget:g}），{verdict.zh}",
            f"All rules: {said(joint, 100)} alerts per 100 good films (budget {100 * budget:g}), {verdict.en}",
        ).get(tongue)
    )
    lines += [
        Bilingual(
            f"可调限值 {one.rule_id} {one.limit}：{one.before:g} → {one.after:g} {one.span}",
            f"limit {one.rule_id} {one.limit}: {one.before:g} -> {one.after:g} {one.span}, chosen on tune",
        ).get(tongue)
        for one in chosen
    ]
    return lines


def said(rate: Rate, times: float) -> str:
    """``2.1 (0.9-4.6)``; a dash where nothing was assessed."""
    if rate.value is None:
        return "-"
    low, high = rate.interval
    digits = 1 if times > 1 else 2
    return f"{times * rate.value:.{digits}f} ({times * low:.{digits}f}-{times * high:.{digits}f})"


def _worth(one: Performance, prevalence: float) -> str:
    worth = one.worth(prevalence)
    return "-" if worth.value is None else f"{worth.value:.2f} ({worth.low:.2f}-{worth.high:.2f})"


def _as_json(
    told: Sequence[Performance], chosen: Sequence[Choice], joint: Rate, budget: float
) -> dict[str, object]:
    return {
        "budget": budget,
        "all_rules": rate_as_json(joint),
        "rules": [
            {
                "rule": one.rule_id,
                "pack": one.pack,
                "limits": dict(one.limits),
                "good": rate_as_json(one.good),
                "faulty": rate_as_json(one.faulty),
                "ppv": [
                    {"prevalence": worth.prevalence, "value": worth.value, "low": worth.low, "high": worth.high}
                    for worth in map(one.worth, PREVALENCES)
                ],
            }
            for one in told
        ],
        "limits": [
            {"rule": one.rule_id, "limit": one.limit, "before": one.before, "after": one.after, "meets": one.meets}
            for one in chosen
        ],
    }


def rate_as_json(rate: Rate) -> dict[str, object]:
    """Counts, share and interval."""
    low, high = rate.interval
    return {
        "alerts": rate.hits,
        "films": rate.films,
        "patients": rate.patients,
        "rate": rate.value,
        "low": low,
        "high": high,
    }
