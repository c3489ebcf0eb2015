"""``qcbox bench``: measurements against a peer in the same run, as ratios."""

from __future__ import annotations

import typer

from edge.commands.bench_measure import bench_measure
from edge.commands.bench_receive import bench_receive

app = typer.Typer(no_args_is_help=True, help="Measure this machine against a peer.")
app.callback()(lambda: None)
app.command("receive")(bench_receive)
app.command("measure")(bench_measure)
