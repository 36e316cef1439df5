"""Tables fit their schema, full and empty; the data dictionary is current."""

from __future__ import annotations

import pytest

import expdiag
from expdiag import tables
from expdiag.errors import UnknownNameError
from tests.conftest import CASES


@pytest.mark.parametrize("name", tables.TABLES)
def test_an_empty_table_fits_its_schema(name: str) -> None:
    frame = tables.frame(name, ())

    assert tables.problems(name, frame) == []
    assert len(frame) == 0


@pytest.mark.parametrize("name", tables.TABLES)
@pytest.mark.parametrize("case", ["healthy-e", "troubled-e"])
def test_a_full_table_fits_its_schema(name: str, case: str) -> None:
    assert tables.problems(name, expdiag.load(CASES / case).tables[name]) == []


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_column_has_a_meaning(name: str) -> None:
    assert all(column.meaning for column in tables.columns(name))
    assert tables.TABLES[name].__doc__


def test_a_source_survives_filters_and_joins() -> None:
    case = expdiag.load(CASES / "troubled-e")
    runs, probes = case.tables["round_trips"], case.tables["probes"]

    slow = probes[probes.rtt > 100].merge(runs, left_on="run", right_on="source", suffixes=("", "_run"))

    assert len(slow)
    for row in slow.itertuples():
        assert f"time={row.rtt:.1f} ms" in case.sources[row.source].text
        assert "rtt min/avg/max" in case.sources[row.source_run].text


def test_rows_know_their_peer() -> None:
    case = expdiag.load(CASES / "healthy-e")

    assert set(case.tables["certificates"].peer) == {"e1", "e2", "e3"}
    sizes = case.tables["settings"].groupby("peer").size()
    assert set(sizes.index) == {"e1", "e2", "e3"}
    assert sizes.nunique() == 1


def test_problems_are_told() -> None:
    frame = tables.frame("issues", ())

    assert tables.problems("issues", frame.drop(columns="kind"))
    assert tables.problems("issues", frame.astype({"line": "float64"})) == ["line is float64, expected Int64"]


def test_an_unknown_table_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'settings'"):
        expdiag.load(CASES / "healthy-e").tables["setting"]


def test_the_data_dictionary_is_current() -> None:
    from tests.tables_page import PAGE, page

    assert PAGE.read_text(encoding="utf-8") == page()
