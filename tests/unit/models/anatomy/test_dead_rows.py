"""Rows without a picture: a field closed by a known amount where a line finder sees nothing."""

from __future__ import annotations

import numpy as np
import pytest

from models.anatomy.dead_rows import dead_rows
from models.training.degradations import Side, crop_field
from models.training.degradations.field import Outside
from models.training.drawn import draw
from models.training.received import radiograph_of


@pytest.mark.parametrize("outside", ["unexposed", "shutter"])
@pytest.mark.parametrize("side", ["top", "bottom"])
def test_a_closed_field_ends_where_it_was_closed(side: Side, outside: Outside) -> None:
    film = draw(3, 480, 400).picture
    closed = crop_field(film, side, 0.2, np.random.default_rng(1), outside=outside)
    top, bottom = dead_rows(radiograph_of(closed.film).views)
    found, other = (top, bottom) if side == "top" else (bottom, top)
    assert found == pytest.approx(0.2 * 480, abs=4)
    assert other == 0


@pytest.mark.parametrize("seed", range(5))
def test_a_film_exposed_everywhere_has_none(seed: int) -> None:
    assert dead_rows(radiograph_of(draw(seed, 480, 400).picture).views) == (0, 0)


def test_a_picture_of_nothing_has_none() -> None:
    assert dead_rows(radiograph_of(np.zeros((480, 400), np.float32)).views) == (0, 0)
