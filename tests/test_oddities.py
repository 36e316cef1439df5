"""What differs in two dumps is found as text: the same as by looking at every line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from expdiag.model.drift.oddities import odd_paths

WORDS = st.sampled_from(["a", "b", "Zones Zone 1 Name", "Zones Zone 12 Name", "SIP Mode"])
VALUES = st.sampled_from(["", "On", "on", "O", "OnOn", "x"])
COLUMNS = st.lists(st.tuples(WORDS, VALUES), min_size=1, max_size=8)


def texts(rows: list[tuple[str, str]]) -> tuple[str, str]:
    return "\n".join(path for path, _ in rows), "\n".join(value for _, value in rows)


@given(COLUMNS, COLUMNS)
def test_any_two_dumps(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    found = odd_paths([texts(one), texts(other)])

    surely = {path for path, _ in set(one) ^ set(other)}
    assert surely <= found
    assert found <= {path for rows in (one, other) for path, _ in rows}
    assert one != other or not found


@given(COLUMNS, st.data())
def test_dumps_of_the_same_paths(one: list[tuple[str, str]], data: st.DataObject) -> None:
    other = [(path, data.draw(VALUES)) for path, _ in one]

    expected = {path for (path, own), (_, their) in zip(one, other, strict=True) if own != their}
    assert odd_paths([texts(one), texts(other)]) == expected


@given(COLUMNS, COLUMNS)
def test_letter_case_does_not_count_between_forms(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    def lowered(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(path.lower(), value.lower()) for path, value in rows]

    assert odd_paths([texts(one), texts(other)], is_mixed=True) == odd_paths(
        [texts(lowered(one)), texts(lowered(other))]
    )
