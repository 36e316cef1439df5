"""What draws itself in a notebook: whole, escaped, and the same in words."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

import expdiag
from expdiag.scenarios.spec import ClusterSpec, healthy
from tests.conftest import CASES

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"


class Text(HTMLParser):
    """The text of a page, and the names of its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def __str__(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="module")
def case() -> expdiag.Case:
    return expdiag.load(CASES / "troubled-e")


def test_a_case_shows_its_peers(case: expdiag.Case) -> None:
    shown = str(Text(case._repr_html_()))
    assert "e1 (primary)" in shown
    assert "10.0.1.13" in shown
    assert "issues with the input" in shown


def test_findings_show_the_worst_first(case: expdiag.Case) -> None:
    archives = sorted((CASES / "troubled-e").glob("*.tar.gz"))
    part = str(Text(expdiag.check(expdiag.load(*archives))._repr_html_()))
    assert part.index("✗ violation") < part.index("? unknown")
    findings = expdiag.check(case)
    shown = str(Text(findings._repr_html_()))
    assert "Broken: " in shown
    assert f"{findings.counts['violation']} violation" in shown


def test_a_finding_shows_the_lines_that_prove_it(case: expdiag.Case) -> None:
    finding = expdiag.check(case).of("violation")[0]
    shown = str(Text(finding._repr_html_()))
    assert finding.verdict.reason in shown
    assert all(source.file in shown for source in finding.sources)


def test_a_graph_draws_itself(case: expdiag.Case) -> None:
    graph = case.graph()
    assert graph._repr_svg_().startswith("<svg")
    assert repr(graph) == "<PeerGraph of e1, e2, e3>"


def test_nothing_from_the_evidence_is_markup(case_of: Callable[[ClusterSpec], expdiag.Case]) -> None:
    hostile = healthy().changed("e2", system_name=HOSTILE, domain=HOSTILE, cluster_name=HOSTILE)
    case = case_of(hostile)
    findings = expdiag.check(case)
    for page in (case._repr_html_(), findings._repr_html_(), *(f._repr_html_() for f in findings)):
        assert "script" not in Text(page).elements
        assert not {"\x1b", "\u202e"} & set(page)


def test_one_peer_and_none(case_of: Callable[[ClusterSpec], expdiag.Case]) -> None:
    case = case_of(healthy(1))
    assert "e1" in case._repr_html_()
    assert case.graph()._repr_svg_().startswith("<svg")
