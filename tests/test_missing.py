"""What to ask the customer for: few captures, each with what it settles."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import expdiag
from expdiag.findings import PASS, UNKNOWN, Finding, Findings, Subject, Verdict, Want
from expdiag.knowledge import requirements
from expdiag.missing import requests
from expdiag.report import as_request
from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case

PING = Want("ping", "e1", "on e1: ping e2")
PING_ALSO = Want("ping", "e1", "on e1: ping e3")
EXPORT = Want("export", "e2", "on e2: the dumps")
LOG = Want("log", "e2", "on e2: the log")
PEM = Want("certificate", "e2", "on e2: the certificate")
FACT = Want("fact", "case.toml", "note the mode")
KINDS = [PING, PING_ALSO, EXPORT, LOG, PEM, FACT, Want("bundle", "e3", "on e3: the archive")]


def unknown(place: int, *wants: Want) -> Finding:
    verdict = Verdict(UNKNOWN, "because", want=wants)
    return Finding(requirements()[place], Subject("cluster", ("e1", "e2", "e3")), verdict, ())


def asked(*findings: Finding) -> list[tuple[str, tuple[str, ...], list[str]]]:
    found = requests(Findings(findings, "case", None, ()))
    return [(r.place, r.todo, [f.requirement.number for f in r.settles]) for r in found]


def test_what_settles_most_comes_first() -> None:
    assert asked(unknown(0, FACT), unknown(1, PING), unknown(2, PING)) == [
        ("e1", (PING.text,), ["R02", "R03"]),
        ("case.toml", (FACT.text,), ["R01"]),
    ]


def test_captures_of_one_kind_at_one_place_are_one_request() -> None:
    assert asked(unknown(0, PING), unknown(1, PING_ALSO)) == [("e1", (PING.text, PING_ALSO.text), ["R01", "R02"])]


def test_one_archive_stands_for_exports_log_and_certificate() -> None:
    ((place, todo, settled),) = asked(unknown(0, EXPORT), unknown(1, LOG), unknown(2, PEM))
    assert (place, settled) == ("e2", ["R01", "R02", "R03"])
    assert len(todo) == 1
    assert "Diagnostic logging" in todo[0]


def test_a_certificate_alone_is_asked_for_by_itself() -> None:
    assert asked(unknown(0, PEM)) == [("e2", (PEM.text,), ["R01"])]


def test_an_unknown_that_needs_two_captures_is_settled_with_the_second() -> None:
    found = asked(unknown(0, PING, FACT))
    assert [settled for _, _, settled in found] == [[], ["R01"]]


def test_the_worth_of_a_pair_counts_for_both() -> None:
    """Two captures that settle three together come before one that settles one."""
    found = asked(unknown(0, FACT), *(unknown(n, PING, PEM) for n in (1, 2, 3)))
    assert [place for place, _, _ in found] == ["e1", "e2", "case.toml"]


def test_nothing_is_asked_where_nothing_is_wanted() -> None:
    passes = Finding(requirements()[0], Subject("cluster", ()), Verdict(PASS, "fine"), ())
    assert asked(passes, unknown(1)) == []


@given(st.lists(st.sets(st.sampled_from(KINDS), min_size=1), min_size=1, max_size=8))
def test_every_unknown_is_settled_once_by_the_fewest_captures(wants: list[set[Want]]) -> None:
    findings = [unknown(n, *sorted(needed, key=str)) for n, needed in enumerate(wants)]
    found = asked(*findings)
    settled = [number for _, _, numbers in found for number in numbers]
    assert sorted(settled) == [f.requirement.number for f in findings]
    # by hand: export, log and archive of e2 are one; the certificate is in it where it is asked for anyway
    everything = set().union(*wants)
    archives = {want.place for want in everything if want.kind in ("export", "log", "bundle")}
    others = {(w.kind, w.place) for w in everything if w.kind in ("ping", "fact")}
    alone = {w.place for w in everything if w.kind == "certificate"} - archives
    assert len(found) == len(archives) + len(others) + len(alone)
    assert len({(place, todo) for place, todo, _ in found}) == len(found)


@pytest.mark.parametrize("without", ["e2"])
def test_the_instructions_for_a_case_without_a_bundle(tmp_path, without: str) -> None:  # type: ignore[no-untyped-def]
    write_case(healthy(), tmp_path)
    next(tmp_path.glob(f"diagnostic_log_{without}_*")).unlink()
    findings = expdiag.check(expdiag.load(tmp_path))
    first = requests(findings)[0]
    assert first.place == without
    assert all("archive" in todo for todo in first.todo)
    text = as_request.text(findings)
    assert max(map(len, text.splitlines())) <= 80
    assert text.index("archive") < 500


def test_pieces_of_one_step_are_ordered() -> None:
    for order in combinations((PING, PEM, FACT), 3):
        assert [place for place, _, _ in asked(unknown(0, *order))] == ["case.toml", "e1", "e2"]
