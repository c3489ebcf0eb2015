from dataclasses import replace

import pytest

from cloud_sync.kit.chain import START, Checked, Fields, check, link


def grown(count: int) -> list[tuple[Fields, str]]:
    rows: list[tuple[Fields, str]] = []
    head = START
    for number in range(count):
        fields: Fields = {"id": number, "what": f"第{number}", "who": None}
        head = link(head, fields)
        rows.append((fields, head))
    return rows


def test_a_whole_chain_holds_and_names_its_head() -> None:
    rows = grown(4)
    assert check(rows) == Checked(4, rows[-1][1], None)
    assert check([]) == Checked(0, START, None)


@pytest.mark.parametrize("where", range(4))
def test_a_changed_field_breaks_the_chain_there(where: int) -> None:
    rows = grown(4)
    rows[where] = ({**rows[where][0], "what": "changed"}, rows[where][1])
    assert check(rows).broken_at == where


@pytest.mark.parametrize("where", range(3))
def test_a_removed_row_breaks_the_chain_after_it(where: int) -> None:
    rows = grown(4)
    del rows[where]
    assert check(rows).broken_at == where


def test_a_row_put_between_or_swapped_breaks_the_chain() -> None:
    rows = grown(4)
    assert check([rows[0], rows[2], rows[1], rows[3]]).broken_at == 1
    assert check([rows[0], rows[0], *rows[1:]]).broken_at == 1


def test_a_shortened_tail_shows_in_the_head() -> None:
    whole, cut = check(grown(4)), check(grown(4)[:-1])
    assert cut.broken_at is None
    assert cut != replace(whole, rows=3)


def test_the_order_of_keys_does_not_matter_but_types_do() -> None:
    assert link(START, {"a": 1, "b": "2"}) == link(START, {"b": "2", "a": 1})
    assert link(START, {"a": 1}) != link(START, {"a": "1"})
