"""What was found of a series is found once while it is judged, and gone afterwards."""

from __future__ import annotations

from models.sets.image_set import Series
from models.sets.latest import forget, of_the_latest


def test_once_while_it_is_judged_and_gone_afterwards() -> None:
    asked = []

    @of_the_latest
    def first(series: Series) -> str:
        asked.append(series.key)
        return series.key

    one = Series("a", ())
    assert (first(one), first(one), asked) == ("a", "a", ["a"])
    forget()
    assert (first(one), asked) == ("a", ["a", "a"])
