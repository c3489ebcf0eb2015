"""A report as one HTML page that needs nothing else, and as JSON for machines."""

from __future__ import annotations

import base64
import html
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from models.training.report.report import Cell, Claim, Estimate, Report, Table, Thumbnail

STYLE = """
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 70rem; margin: 2rem auto }
table { border-collapse: collapse; margin: .5rem 0 } caption { text-align: left; font-weight: 600 }
td, th { border-bottom: 1px solid #ccc; padding: .2rem .7rem; text-align: left }
.figures, .gallery { display: flex; flex-wrap: wrap; gap: 1rem } figure { margin: 0 }
figcaption, .note { color: #555; font-size: 13px; max-width: 26rem } .gallery img { width: 13rem }
.no { color: #b30000; font-weight: 600 } svg { max-width: 100%; height: auto }
"""


def write(report: Report, out: Path, name: str = "report") -> Path:
    """Write ``name.html`` and ``name.json`` into the folder; the path of the page.

    The gallery shows films: the folder is the user's own and is treated as they are.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(
        json.dumps(as_json(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    page = out / f"{name}.html"
    page.write_text(as_html(report), encoding="utf-8")
    return page


def as_json(report: Report) -> dict[str, Any]:
    """Claims, tables and notes; no pictures. What is not a number is null."""
    claims = [asdict(claim) | {"holds": claim.holds} for claim in report.claims]
    tables = [asdict(table) for table in report.tables]
    content = {"title": report.title, "claims": claims, "tables": tables, "notes": list(report.notes)}
    tidy: dict[str, Any] = _finite(content)
    return tidy


def as_html(report: Report) -> str:
    """The page."""
    parts = [f"<h1>{html.escape(report.title)}</h1>"]
    parts += [f"<p>{html.escape(note)}</p>" for note in report.notes]
    if report.claims:
        parts.append(_table(_claims(report.claims)))
    parts += [_table(table) for table in report.tables]
    if report.figures:
        drawn = (_figure(figure.svg, figure.title) for figure in report.figures)
        parts.append(f'<h2>Plots</h2><div class="figures">{"".join(drawn)}</div>')
    if report.gallery:
        shown = (_figure(_image(one), one.caption) for one in report.gallery)
        parts.append(f'<h2>Failures</h2><div class="gallery">{"".join(shown)}</div>')
    body = "\n".join(parts)
    title = html.escape(report.title)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style>\n<body>\n{body}\n</body></html>\n"
    )


def as_text(report: Report) -> str:
    """The claims for a terminal, one a line."""
    lines = [report.title]
    for claim in report.claims:
        mark = "holds" if claim.holds else "FAILS"
        bar = f"{claim.sense} {claim.bar:g} {claim.unit}".strip()
        lines.append(f"  {mark}  {claim.what} {bar}: {said(claim.found)}")
    return "\n".join(lines)


def said(cell: Cell) -> str:
    """A cell as text; an estimate as ``0.953 (0.941 to 0.962), 181 films of 92 patients``."""
    if isinstance(cell, Estimate):
        interval = f" ({_number(cell.low)} to {_number(cell.high)})" if math.isfinite(cell.low) else ""
        films = f", {cell.images} films" if cell.images else ""
        patients = f" of {cell.patients} patients" if cell.patients else ""
        return f"{_number(cell.value)}{interval}{films}{patients}"
    return _number(cell) if isinstance(cell, float) else str(cell)


def _number(value: float) -> str:
    """Three digits behind the point below ten, fewer above; a dash for what is not a number."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _claims(claims: tuple[Claim, ...]) -> Table:
    rows = tuple(
        (
            claim.what,
            f"{claim.sense} {claim.bar:g} {claim.unit}".strip(),
            claim.found,
            "holds" if claim.holds else "does not hold",
            claim.note,
        )
        for claim in claims
    )
    return Table("What was asked, and what was found", ("what", "bar", "found (95 % CI)", "", "note"), rows)


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    rows = "".join("<tr>" + "".join(_td(cell) for cell in row) + "</tr>" for row in table.rows)
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    caption = html.escape(table.title)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}"


def _td(cell: Cell) -> str:
    kind = ' class="no"' if cell == "does not hold" else ""
    return f"<td{kind}>{html.escape(said(cell))}</td>"


def _figure(content: str, caption: str) -> str:
    return f"<figure>{content}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _image(thumbnail: Thumbnail) -> str:
    picture = thumbnail.image[..., ::-1] if thumbnail.image.ndim == 3 else thumbnail.image  # OpenCV writes BGR
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(picture), [cv2.IMWRITE_JPEG_QUALITY, 85])
    text = base64.b64encode(encoded.tobytes()).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{text}">'


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content.item() if isinstance(content, np.generic) else content
