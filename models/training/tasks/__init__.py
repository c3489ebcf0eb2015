"""The networks that can be trained.

Add one: a module with ``task(data, left_out)``, perhaps a ``RECIPE``, and its line below.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from capture.errors import Misuse
from capture.text import Bilingual
from models.training.loop import Recipe
from models.training.task import Task

TASKS: Mapping[str, str] = {
    "chest-anatomy": "models.training.tasks.chest_anatomy",
    "chest-foreign-object": "models.training.tasks.chest_foreign_object",
    "mr-motion": "models.training.tasks.mr_motion",
    "radiograph-view": "models.training.tasks.radiograph_view",
}
"""Name to module. Only the one that is asked for is imported."""


class Maker(Protocol):
    """The function ``task`` of a task's module."""

    def __call__(self, data: Path, left_out: frozenset[str]) -> Task:
        """The task on a folder with ``manifest.csv``; sources in ``left_out`` are test only."""


def task_of(name: str, data: Path, left_out: frozenset[str]) -> Task:
    """The task of that name.

    Raises:
        Misuse: there is none.
    """
    return cast(Maker, _module(name).task)(data, left_out)


def recipe_of(name: str) -> Recipe:
    """``RECIPE`` of the task's module: what the shipped weights were fitted with."""
    return cast(Recipe, getattr(_module(name), "RECIPE", Recipe()))


def _module(name: str) -> ModuleType:
    if name not in TASKS:
        raise Misuse(
            "training.unknown",
            Bilingual(f"没有名为 {name} 的网络", f"There is no network {name}"),
            Bilingual(f"可选：{'、'.join(TASKS)}", f"choose one of {', '.join(TASKS)}"),
        )
    return import_module(TASKS[name])
