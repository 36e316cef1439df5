"""The output formats: the contract's JSON, and that hostile text is harmless everywhere."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

import expdiag
from expdiag import outline
from expdiag.findings import OUTCOMES
from expdiag.knowledge import requirements
from expdiag.report import as_html, as_json, as_markdown, as_table, export
from expdiag.safe import cell, one_line, printable
from expdiag.scenarios import exports
from expdiag.scenarios.spec import healthy
from tests.conftest import CASES, run

HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd|'/C calc'!A0",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    '" onmouseover="x',
    "|`*_[x](javascript:1)",
    "$\\frac{1}{0}$",
    "N" * 300,
)


@pytest.fixture(scope="module")
def troubled() -> expdiag.Case:
    return expdiag.load(CASES / "troubled-e")


@pytest.fixture(scope="module")
def said(troubled) -> dict:
    return json.loads(as_json.render(expdiag.check(troubled), troubled.all_issues))


def test_the_json_has_the_keys_and_types_of_the_contract(said) -> None:
    contract = ["schema", "expdiag", "case", "as_of", "peers", "counts", "findings", "issues"]
    assert list(said) == [*contract, "opening", "causes"]
    assert (said["schema"], said["expdiag"], said["case"]) == (1, expdiag.__version__, "troubled-e")
    assert said["as_of"] == "2026-05-01T12:00:00Z"
    assert said["peers"][2] == {
        "peer": "e3",
        "type": "E",
        "version": "X14.3.3",
        "platform": "Large",
        "address": "10.0.1.13",
    }
    assert set(said["counts"]) == set(OUTCOMES)
    assert sum(said["counts"].values()) == len(said["findings"])
    for finding in said["findings"]:
        assert list(finding) == [
            *("requirement", "rule", "strength", "subject", "outcome", "at_fault", "reason", "measured", "wanted"),
            *("unit", "accepted", "evidence", "want", "fix", "reference"),
        ]
        assert finding["outcome"] in OUTCOMES
        assert finding["reason"]
        assert finding["reference"]
        assert all(list(evidence) == ["file", "line", "packet", "text"] for evidence in finding["evidence"])


def test_every_rule_is_there_for_every_one_of_its_subjects(said) -> None:
    numbers = {"cluster": 1, "peer": 3, "pair": 3, "ordered pair": 6}

    for requirement in requirements():
        subjects = [f["subject"] for f in said["findings"] if f["requirement"] == requirement.number]
        assert len(subjects) == numbers[requirement.each], requirement
        assert {subject["kind"] for subject in subjects} == {requirement.each}
    pairs = [f["subject"]["peers"] for f in said["findings"] if f["rule"] == "round-trip-delay"]
    assert pairs == [["e1", "e2"], ["e1", "e3"], ["e2", "e3"]]


def test_the_catalogue_is_that_of_the_reference(real) -> None:
    lines = (real / "reference" / "requirements.tsv").read_text(encoding="utf-8").splitlines()[1:]
    wanted = [tuple(line.split("\t")[:5]) for line in lines]

    assert [(r.number, r.rule, r.section, r.strength, r.each) for r in requirements()] == wanted


def test_every_evidence_of_a_text_file_stands_on_its_line(troubled) -> None:
    checked = 0
    for finding in expdiag.check(troubled):
        for source in finding.sources:
            path = CASES / "troubled-e" / source.file
            if path.is_file() and path.suffix != ".json":  # there a line opens what the row tells
                line = path.read_text(encoding="utf-8").splitlines()[source.line - 1]
                # what a port answers is told with the address above it, in words of its own
                words = source.text.split()[1] if source.file.startswith("probes/outside/ports") else source.text
                assert words in line
                checked += 1
    assert checked > 5


def test_the_faulty_case_has_at_least_eight_faults_each_with_a_peer_or_its_name(said) -> None:
    broken = [f for f in said["findings"] if f["outcome"] == "violation"]

    assert len({f["rule"] for f in broken}) >= 8
    assert all(f["at_fault"] or "e2, e3" in f["reason"] for f in broken)


def hostile_case(files, text: str) -> expdiag.Case:
    """Return a case with a text planted in every field a bundle can carry."""
    contents: dict[str, str | bytes] = {}
    for number, peer in enumerate(healthy().peers):
        planted = [
            (path, text if value and not value.isdigit() and "Ethernet" not in path else value)
            for path, value in exports.configuration(peer)
        ]
        lines = exports.configuration_text(planted).replace("\n\x1b", "\x1b")
        contents[f"{number}/x.txt"] = lines + f"{text}\n"
    contents["case.toml"] = f"[case]\nname = {json.dumps(text)}\n"
    return expdiag.load(files(contents))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless_in_every_format(files, text: str) -> None:
    case = hostile_case(files, text)
    findings = expdiag.check(case)

    page = _Tags()
    html = as_html.render(case, findings)
    page.feed(html)
    assert "script" not in page.seen
    assert not {name for name in page.attributes if name.startswith("on")}
    for shown in (
        html,
        as_markdown.render(findings, case.all_issues),
        as_table.render(findings, case.all_issues, colour=False),
    ):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    markdown = as_markdown.render(findings, case.all_issues)
    assert "<script" not in markdown
    assert not re.search(r"(?<!\\)\[x\]\(", markdown)
    assert json.loads(as_json.render(findings, case.all_issues))["case"] == text
    for table in case.tables.values():
        cells = [c for row in csv.reader(io.StringIO(export.table(table, "csv").decode())) for c in row]
        assert not [c for c in cells if c.startswith(("=", "+", "@"))]


def test_the_page_needs_nothing_from_elsewhere(troubled) -> None:
    html = as_html.render(troubled, expdiag.check(troubled))

    assert "default-src 'none'" in html
    assert not re.search(r'(?:src|href)="(?!#)', html.replace('xlink:href="#', '"'))
    assert len(html) < 3_000_000


def test_the_same_case_gives_the_same_bytes(troubled) -> None:
    again = expdiag.load(CASES / "troubled-e")

    for render in (as_html.render,):
        assert render(troubled, expdiag.check(troubled)) == render(again, expdiag.check(again))


def test_the_table_fits_eighty_columns(troubled) -> None:
    text = as_table.render(expdiag.check(troubled), troubled.all_issues, colour=False)

    assert max(map(len, text.splitlines())) <= 80
    assert text.index("What to change") < text.index("verdict")


def test_what_to_do_is_ordered_by_the_peer_to_log_in_to(troubled) -> None:
    visits = outline.visits(expdiag.check(troubled))

    assert [visit.peers for visit in visits] == [("e1",), ("e2",), ("e3",)]
    rules = [[task.first.requirement.number for task in visit.tasks] for visit in visits]
    assert rules[0] == ["R26"]  # off on e2, switched on at the primary
    assert rules[2][:2] == ["R04", "R07"]  # what decides whether e3 stays comes first
    assert {"R02", "R05", "R29", "R22", "R16"} <= set(rules[2])


@pytest.mark.parametrize(
    ("text", "shown"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("plain", "plain"), ("10.0.1.1", "10.0.1.1")],
)
def test_cells_that_are_no_formula(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_printable_text_keeps_letters_of_every_script() -> None:
    assert printable("caf\u00e9 \u6771\u4eac \u05d0") == "caf\u00e9 \u6771\u4eac \u05d0"
    assert one_line("a\n  b\tc") == "a b c"


def test_parquet_and_json_tables(troubled, tmp_path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")

    (tmp_path / "t.parquet").write_bytes(export.table(troubled.tables["round_trips"], "parquet"))
    back = pandas.read_parquet(tmp_path / "t.parquet")
    records = json.loads(export.table(troubled.tables["round_trips"], "json"))

    assert list(back["p95"]) == [row["p95"] for row in records]
    assert records[0]["peer"] is None
    assert records[0]["vantage"] == "e1"


def test_the_markdown_names_the_peers_and_the_lines(troubled) -> None:
    done = run("check", CASES / "troubled-e", "--format", "markdown")

    assert "### On e3" in done.stdout
    assert "probes/e1/ping\\-e3.txt, line" in done.stdout or "probes/e1/ping-e3.txt, line" in done.stdout
