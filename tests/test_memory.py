"""What is remembered between one verdict and the next, and given up when a table changes."""

from __future__ import annotations

from pathlib import Path

import pytest

import expdiag
from expdiag.model.memory import Tables
from expdiag.rules import engine
from expdiag.scenarios.spec import healthy
from expdiag.scenarios.write import write_case
from expdiag.tables import TABLES
from tests.conftest import CASES


def test_a_value_is_made_once_and_again_only_when_what_it_read_changes() -> None:
    made: list[str] = []
    tables = Tables({"a": (1, 2), "b": (3,)})

    def of_a(rows: Tables) -> int:
        def make() -> int:
            made.append("a")
            return sum(rows["a"])

        return rows.remember("of a", make)

    def of_both(rows: Tables) -> int:
        def make() -> int:
            made.append("both")
            return of_a(rows) + sum(rows["b"])

        return rows.remember("of both", make)

    assert (of_a(tables), of_both(tables), of_both(tables)) == (3, 6, 6)
    assert made == ["a", "both"]
    assert tables.read_by("of both") == {"a", "b"}  # by way of what was remembered before, too

    other_b = tables.changed({"b": (30,)})
    assert (of_a(other_b), of_both(other_b)) == (3, 33)
    assert made == ["a", "both", "both"]

    other_a = tables.changed({"a": (10,)})
    assert (of_a(other_a), of_both(other_a)) == (10, 13)
    assert of_both(tables) == 6


def test_a_failure_is_not_remembered() -> None:
    tables = Tables({"a": ()})

    def fail() -> int:
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            tables.remember("x", fail)
    assert tables.remember("x", lambda: 1) == 1


@pytest.fixture(scope="module")
def case() -> expdiag.Case:
    return expdiag.load(CASES / "troubled-e")


@pytest.fixture(scope="module")
def healthy_case(tmp_path_factory: pytest.TempPathFactory) -> expdiag.Case:
    folder = tmp_path_factory.mktemp("healthy")
    write_case(healthy(4), folder)
    return expdiag.load(folder)


# two are made from others, settings are columns, and files are what sources point into
@pytest.mark.parametrize("table", sorted(set(TABLES) - {"fields", "matched_connections", "settings", "files"}))
@pytest.mark.parametrize("share", [0, 0.5])
def test_a_changed_case_is_judged_as_if_it_were_new(healthy_case: expdiag.Case, table: str, share: float) -> None:
    """With every table in turn emptied and halved: kept verdicts are those a fresh cluster gives."""
    engine.check(healthy_case)
    rows = healthy_case.dossier.rows[table]
    changed = healthy_case.with_rows(**{table: rows[: int(share * len(rows))]})
    fresh = expdiag.Case(changed.dossier)

    kept, new = engine.check(changed), engine.check(fresh)

    assert [(f.requirement.number, f.subject, f.verdict) for f in kept] == [
        (f.requirement.number, f.subject, f.verdict) for f in new
    ]


def test_a_change_of_one_pair_leaves_the_other_verdicts_alone(case: expdiag.Case) -> None:
    before = engine.check(case)
    runs = tuple(run for run in case.dossier.rows["round_trips"] if {run.vantage, run.target} != {"e1", "10.0.1.13"})
    after = engine.check(case.with_rows(round_trips=runs))

    same = sum(1 for one, other in zip(before, after, strict=True) if one.verdict is other.verdict)
    assert same > 0.7 * len(before)
    assert engine.check(case).counts == before.counts


def test_the_base_is_never_touched(case: expdiag.Case) -> None:
    runs = case.dossier.rows["round_trips"]
    changed = case.with_rows(round_trips=())
    assert case.dossier.rows["round_trips"] is runs
    assert len(changed.tables["round_trips"]) == 0
    assert {f.outcome for f in engine.check(changed, ["R07"])} == {"unknown"}
    assert "violation" in {f.outcome for f in engine.check(case, ["R07"])}


def test_a_table_the_peers_follow_from_makes_them_anew(case: expdiag.Case) -> None:
    assert "alarms" in case.cluster.made_from
    assert "round_trips" not in case.cluster.made_from
    assert case.with_rows(alarms=()).cluster is not case.cluster
    assert not any(peer.alarms for peer in case.with_rows(alarms=()).cluster.peers)


def test_a_case_from_disk_is_as_good_after_a_change_and_back(tmp_path: Path) -> None:
    write_case(healthy(), tmp_path)
    case = expdiag.load(tmp_path)
    before = engine.check(case)
    runs = case.dossier.rows["round_trips"]
    again = engine.check(case.with_rows(round_trips=()).with_rows(round_trips=runs))
    assert [f.verdict for f in again] == [f.verdict for f in before]
