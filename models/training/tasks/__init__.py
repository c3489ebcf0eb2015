"""The networks that can be trained. Add one: a module with ``task(data, left_out)``, and its line below."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from models.training.task import Task

TASKS: Mapping[str, str] = {
    "chest-anatomy": "models.training.tasks.chest_anatomy",
    "chest-foreign-object": "models.training.tasks.chest_foreign_object",
    "radiograph-degradation": "models.training.tasks.radiograph_degradation",
    "radiograph-view": "models.training.tasks.radiograph_view",
}
"""Name to module. Only the one that is asked for is imported."""


class Maker(Protocol):
    """The function ``task`` of a task's module."""

    def __call__(self, data: Path, left_out: frozenset[str]) -> Task:
        """The task on a folder with ``manifest.csv``; sources in ``left_out`` are test only."""


def task_of(name: str, data: Path, left_out: frozenset[str]) -> Task:
    """The task of that name. Raises KeyError for a name that is not listed."""
    return cast(Maker, import_module(TASKS[name]).task)(data, left_out)
