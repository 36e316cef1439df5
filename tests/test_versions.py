"""Releases: what names one, their order, what came before a release, and ranges."""

from __future__ import annotations

import pytest

from expdiag import knowledge
from expdiag.model import versions
from expdiag.model.versions import is_from, is_upto, of_build, release


def test_what_came_before_a_release_is_ordered_before_it() -> None:
    texts = ["X15.0", "X15.0.1", "X15.0PreAlpha2", "X14.3.10", "X14.3.2", "X7", "X8.5.2", "X15.0rc1", "X15.2.1"]

    ordered = sorted((found for text in texts if (found := release(text))), key=lambda found: found)

    assert [str(found) for found in ordered] == [
        *("X7", "X8.5.2", "X14.3.2", "X14.3.10", "X15.0PreAlpha2", "X15.0rc1", "X15.0", "X15.0.1", "X15.2.1")
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("X14.3.4", "x14.3.4", True),
        ("X14.3.4", " 14.3.4 ", True),
        ("X14.3", "X14.3.0", False),
        ("X15.0", "X15.0PreAlpha2", False),
        ("X15.0prealpha2", "X15.0PreAlpha2", True),
        ("X14.3.4", "X14.3.5", False),
    ],
)
def test_when_two_spellings_are_one_release(one: str, other: str, same: bool) -> None:
    assert (release(one) == release(other)) is same


@pytest.mark.parametrize(
    ("build", "named"),
    [
        ("oak_v8.11.3_rc_3", "X8.11.3"),
        ("oak_v15.0_prealpha_7", "X15.0"),
        ("oak_v14", "X14"),
        ("4711", None),
        ("", None),
    ],
)
def test_the_release_a_build_is_named_after(build: str, named: str | None) -> None:
    assert of_build(build) == (release(named) if named else None)


@pytest.mark.parametrize(
    ("of", "first", "last", "inside"),
    [
        ("X12.5.9", "X8.11.1", "X12.5", True),
        ("X12.6", "X8.11.1", "X12.5", False),
        ("X12.5.4", "X12.5.5", "X99", False),
        ("X12.10", "X12.5.5", "X99", True),
        ("X8.10.4", "X0", "X8.10", True),
        ("X8.11", "X0", "X8.10", False),
    ],
)
def test_ranges_of_releases(of: str, first: str, last: str, inside: bool) -> None:
    found = release(of)
    assert found is not None

    assert (is_from(found, first) and is_upto(found, last)) is inside


def test_the_list_of_what_changes_with_a_release() -> None:
    changes = {name: versions.change(name) for name in knowledge.load("releases")["change"]}

    assert all(change.what and change.cite for change in changes.values())
    assert changes["smart-licensing-only"].holds(release("X14.2"))
    assert not changes["smart-licensing-only"].holds(release("X14.1.9"))
    assert changes["type-is-a-setting"].since == release("X12.6")


def test_a_row_of_a_table_holds_from_its_release_on() -> None:
    rows = [{"from": "X15.4", "n": 3}, {"from": "X8.9", "n": 2}, {"from": "X0", "n": 1}]

    found = [versions.row_for(rows, release(text))["n"] for text in ("X15.5", "X15.4PreAlpha1", "X15.3.2", "X8.8.3")]

    assert [*found, versions.row_for(rows, None)["n"]] == [3, 3, 2, 1, 3]
