"""Sets of addresses, against Python's own sets."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from expdiag.model.network import ranges

SETS = st.frozensets(st.integers(0, 40), max_size=20)


def of(numbers: frozenset[int]) -> ranges.Ranges:
    return ranges.joined((n, n) for n in numbers)


def members(found: ranges.Ranges) -> set[int]:
    return {n for low, high in found for n in range(low, high + 1)}


@given(SETS, SETS)
def test_they_are_sets(one: frozenset[int], other: frozenset[int]) -> None:
    assert members(ranges.intersect(of(one), of(other))) == one & other
    assert members(ranges.subtract(of(one), of(other))) == one - other
    assert members(ranges.union(of(one), of(other))) == one | other
    assert ranges.size(of(one)) == len(one)


@given(SETS)
def test_they_are_in_order_and_apart(one: frozenset[int]) -> None:
    found = of(one)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(found))


def test_networks_with_and_without_a_sign() -> None:
    inside = ranges.of_networks("10.0.0.0/30,10.0.0.8/32", 4)
    outside = ranges.of_networks("!10.0.0.0/30,10.0.0.8/32", 4)
    start = int(ipaddress.ip_address("10.0.0.0"))

    assert members(inside) == {start, start + 1, start + 2, start + 3, start + 8}
    assert ranges.union(inside, outside) == ranges.everything(4)
    assert not ranges.intersect(inside, outside)
    assert ranges.of_networks("10.0.0.0/8", 6) == ()
    assert ranges.of_networks("", 6) == ranges.everything(6)


def test_what_a_reason_shows() -> None:
    assert ranges.shown(ranges.of_networks("10.0.0.0/24,10.9.9.9/32", 4), 4) == "10.0.0.0/24, 10.9.9.9"
    assert ranges.shown(ranges.anybody(4), 4) == "any other IPv4 address"
    assert ranges.shown(((5, 7),), 4) == "0.0.0.5-0.0.0.7"
