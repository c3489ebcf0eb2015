"""``qcbox bench``: this machine against a peer in the same run, and the rules against films of known truth."""

from __future__ import annotations

import typer

from edge.commands.bench_calibration import bench_calibration
from edge.commands.bench_measure import bench_measure
from edge.commands.bench_receive import bench_receive
from edge.commands.bench_screen import bench_screen
from edge.commands.bench_series import bench_series

app = typer.Typer(no_args_is_help=True, help="Measure this machine against a peer, and the rules on known films.")
app.callback()(lambda: None)
app.command("receive")(bench_receive)
app.command("measure")(bench_measure)
app.command("series")(bench_series)
app.command("screen")(bench_screen)
app.command("calibration")(bench_calibration)
