"""Every listed network can be asked for, names itself as listed, and fits the bundle that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.content import drafts
from models.training.split import LEFT_OUT
from models.training.tasks import TASKS, recipe_of, task_of
from tests.unit.models.training.toy import folder_of_films


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of_films(tmp_path_factory.mktemp("films"), 4)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_listed_task_is_one(name: str, films: Path) -> None:
    task = task_of(name, films, LEFT_OUT)
    assert task.name == name
    assert recipe_of(name).epochs >= 1
    assert task.about.intended_use


@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_shipped_bundle_has_its_signature(name: str, films: Path) -> None:
    bundle, task = drafts.shipped().get(name), task_of(name, films, LEFT_OUT)
    assert bundle is not None
    form = bundle.metadata.network_data_format
    assert form.inputs["image"].spatial_shape == (task.signature.side,) * 2
    assert {name: tensor.channels for name, tensor in form.outputs.items()} == {
        output.name: output.channels for output in task.signature.outputs
    }
    assert bundle.version == task.version
