"""``qcbox bench series FOLDER``: slices and their series as a worker judges them, against pydicom."""

from __future__ import annotations

import json as json_text
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from pydicom import dcmread

from edge.clock import now_ms
from edge.commands.judging import arrival_of
from edge.pipeline.set_job import SetJob
from edge.pipeline.work import Group, Job, run_group, run_set
from models.circumstances import Circumstances
from models.sets.image_set import Completeness


def bench_series(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The slices of one series.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of words.")] = False,
) -> None:
    """Processor time of one slice and of the series. The peer reads and decodes the same files by pydicom."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    begun = time.process_time()
    for path in files:
        dcmread(path).pixel_array  # noqa: B018 - decoding is the work
    peer_ms = (time.process_time() - begun) * 1000 / len(files)
    at = now_ms()
    jobs = tuple(Job(path, arrival_of(path, at + n), Circumstances(at), "GB18030") for n, path in enumerate(files))
    run_group(Group(jobs[:1]))  # content is loaded once in the life of a worker
    begun = time.process_time()
    outcomes = run_group(Group(jobs))
    slice_ms = (time.process_time() - begun) * 1000 / len(files)
    set_ms = _series(jobs, {one.record for one in outcomes if one is not None and isinstance(one.record, bytes)})
    found = {"slices": len(files), "slice_ms": slice_ms, "pydicom_ms": peer_ms, "series_ms": set_ms}
    if json:
        typer.echo(json_text.dumps(found))
        return
    typer.echo(
        f"{len(files)} slices: {slice_ms:.1f} ms each ({slice_ms / peer_ms:.1f} x pydicom's {peer_ms:.1f} ms)"
    )
    typer.echo(f"series: {set_ms:.0f} ms")


def _series(jobs: tuple[Job, ...], records: set[bytes]) -> float:
    """Milliseconds of the processor for the verdict on all that the records hold."""
    wanted = frozenset(job.arrival.id for job in jobs)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, record in enumerate(records):
            path = Path(folder) / str(number)
            path.write_bytes(record)
            paths.append(("", path, wanted))
        whole = Completeness(whole=True, because="quiet")
        begun = time.process_time()
        run_set(SetJob("series", tuple(paths), whole, (), Circumstances(now_ms())))
        return (time.process_time() - begun) * 1000
