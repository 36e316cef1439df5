"""Hostile text in every field of a bundle: harmless in every format, and not just because it got lost on the way."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

import expdiag
from expdiag.findings import Findings
from expdiag.graphs import files as graph_files
from expdiag.report import as_html, as_json, as_junit, as_markdown, as_request, as_sarif, as_table, export
from expdiag.rules import engine
from expdiag.scenarios.spec import AS_OF, AlarmSpec, healthy
from expdiag.scenarios.write import write_case
from expdiag.show.figures import FIGURES

WORD = "planted"
# what acts in a page, a template, a spreadsheet or Markdown; then what acts on a terminal or turns text round
PLANTS = {
    "markup": f"=cmd(){WORD}\"'><script>alert(1)</script>]]>{{{{7*7}}}}{{% raw %}}](javascript:alert(1))|`*",
    "controls": f"=cmd(){WORD}\x1b[31m\x07\x9b\u202egnp.exe\u2066\u200f<img src=x onerror=alert(1)>",
}
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")


@pytest.fixture(scope="module", params=PLANTS)
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[expdiag.Case, Findings]:
    case = expdiag.load(write_planted(PLANTS[request.param], tmp_path_factory.mktemp("case")))
    return case, expdiag.check(case)


def write_planted(text: str, folder: Path) -> Path:
    """Write a case with a text in every field a customer's files have."""
    file = text.replace("/", "").replace("\x07", "")[:80]
    cluster = healthy()
    first = cluster.peers[0]
    spoiled = first.changed(
        system_name=text,
        domain=text,
        cluster_name=text,
        platform=None,
        serial=text,
        build=text,
        hardware=text,
        dns_servers=(text,),
        ntp_servers=(text,),
        peer_list=(text, *first.peer_list[1:]),
        alarms=(AlarmSpec(20006, "0f96695e-d954-4f6f-85c1-2ef0d6df764b", text, text), AlarmSpec(1, text, text, text)),
        settings={"Zones Zone 3 Name": text, "Zones Zone 3 Type": text, text: text},
        state={"SystemUnit Product": text, f"Alternates {text}": text},
        events=((AS_OF - timedelta(minutes=9), f'tvcs: Event="{text}" Detail="{text}" User="{text}"'),),
        members={f"{file}.txt": f"{text}\n", f"xconf_{file}.txt": f'*c xConfiguration SystemUnit Name: "{text}"\n'},
        certificate=first.certificate.__class__(text[:40], ("e1.edge.example.com", ascii_only(text)), "e1"),
    )
    ping = f"PING {text} (10.0.1.12) 56(84) bytes of data.\n"
    ping += f"64 bytes from {text} (10.0.1.12): icmp_seq=1 ttl=62 time=1 ms\n"
    dig = f"; <<>> DiG 9.16.23 <<>> {text}\n;; ANSWER SECTION:\ne1.edge.example.com. 300 IN CNAME {text}\n"
    rest = json.dumps([{"Name": text, "Address": text, "Index": 1, text: text}])
    others = tuple(peer.changed(version=text) if peer.host_name == "e3" else peer for peer in cluster.peers[1:])
    spoiled_cluster = cluster.__class__(text, (spoiled, *others), cluster.round_trips).with_files(
        {
            f"probes/e1/{file}.txt": ping,
            f"probes/{file}/ping.txt": ping.replace(text, "10.0.1.12"),
            "probes/e1/dig-more.txt": dig,
            "rest/e1/provisioning/common/dns/dnsserver.json": rest,
        }
    )
    write_case(spoiled_cluster, folder)
    said = json.dumps(text, ensure_ascii=False).translate({n: f"\\u{n:04x}" for n in (*range(0x7F, 0xA0),)})
    (folder / "case.toml").write_text(
        f'[case]\nname = {said}\n\n[tms]\naddress = {said}\n\n[peers.{said}]\ntype = "E"\n\n'
        f"[cluster]\naddress_mapping = {{ {said} = {said} }}\n\n"
        f'[[accepted]]\nrule = "system-names-distinct"\nreason = {said}\nsubject = [{said}]\n\n'
        f'[[accepted]]\nrule = "dns-servers-configured"\nreason = {said}\n',
        encoding="utf-8",
    )
    return folder


def ascii_only(text: str) -> str:
    return text.encode("ascii", errors="ignore").decode()


class Page(HTMLParser):
    """The elements, attributes and words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def assert_harmless_page(text: str) -> str:
    page = Page(text)
    assert not page.elements & {"script", "img", "iframe", "object", "embed", "base", "link", "form"}
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        assert name not in ("src", "action", "formaction"), name
        if name in ("href", "xlink:href"):
            assert value.startswith("#"), value
    assert not ACTING.search(text)
    return " ".join(page.words)


def test_the_report(planted: tuple[expdiag.Case, Findings]) -> None:
    words = assert_harmless_page(as_html.render(*planted))
    assert WORD in words
    assert "could not be drawn" not in words
    assert "49" not in re.findall(rf"{WORD}[^ ]*?script>\]\]>(\d+)", words)


def test_tables_in_a_notebook_or_on_a_terminal(planted: tuple[expdiag.Case, Findings]) -> None:
    case, findings = planted
    frames = [*case.tables.values(), case.peers, findings.frame, *(figure.table(case) for figure in FIGURES)]
    shown = ""
    for frame in frames:
        parts = (frame, frame.head(3), frame.set_index(frame.columns[0]), frame[frame.columns[:2]].drop_duplicates())
        for part in parts:
            shown += repr(part) + assert_harmless_page(part._repr_html_())
        for column in frame:
            shown += repr(frame[column])
    assert WORD in shown
    assert not ACTING.search(shown)


def test_tables_hold_what_was_sent(planted: tuple[expdiag.Case, Findings]) -> None:
    case, _ = planted
    values = [str(value) for value in case.tables["settings"]["value"]]
    assert any("<script" in value or ACTING.search(value) for value in values)


def test_what_draws_itself_in_a_notebook(planted: tuple[expdiag.Case, Findings]) -> None:
    case, findings = planted
    drawn = [case._repr_html_(), findings._repr_html_(), *(finding._repr_html_() for finding in findings)]
    assert any(WORD in assert_harmless_page(page) for page in drawn)
    assert not ACTING.search(case.graph()._repr_svg_())


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_figures(planted: tuple[expdiag.Case, Findings], figure) -> None:
    case, _ = planted
    if figure.has_content(case):
        svg = figure.draw(case).svg(case.name)
        ElementTree.fromstring(svg)
        assert_harmless_page(svg)


def test_texts_for_people(planted: tuple[expdiag.Case, Findings]) -> None:
    case, findings = planted
    markdown = as_markdown.render(findings, case.all_issues)
    assert WORD in markdown
    assert not re.search(r"<(?:script|img)", markdown)
    assert not re.search(r"(?<!\\)\]\(", markdown)
    shown = (
        markdown,
        as_table.render(findings, case.all_issues, colour=False),
        as_table.render(findings, case.all_issues, colour=False, width=200),
        as_request.text(findings),
    )
    for text in shown:
        assert not ACTING.search(text)


def test_formats_for_programs(planted: tuple[expdiag.Case, Findings]) -> None:
    case, findings = planted
    junit = as_junit.render(findings)
    ElementTree.fromstring(junit)
    sarif = as_sarif.render(findings, case.all_issues, engine.manuals())
    json.loads(sarif)
    assert WORD in junit
    assert WORD in sarif
    assert not ACTING.search(junit)
    assert not ACTING.search(sarif)
    said = as_json.render(findings, case.all_issues)
    assert json.loads(said)["findings"]
    assert said.isascii()
    assert not ACTING.search(said)
    ElementTree.fromstring(graph_files.to_graphml(case.graph()))


def cells(case: expdiag.Case) -> Iterator[str]:
    for table in case.tables.values():
        for row in csv.reader(io.StringIO(export.table(table, "csv").decode())):
            yield from row


def test_tables_for_spreadsheets(planted: tuple[expdiag.Case, Findings]) -> None:
    found = list(cells(planted[0]))
    assert any(WORD in cell for cell in found)
    for cell in found:
        assert not cell.startswith(("=", "+", "@", "\t")), cell
        assert not (cell.startswith("-") and not re.fullmatch(r"-[\d.e-]+", cell)), cell
        assert not ACTING.search(cell), cell


def test_every_field_that_was_planted_was_read(planted: tuple[expdiag.Case, Findings]) -> None:
    case, _ = planted
    tables = {name for name, table in case.tables.items() if WORD in table.to_csv()}
    assert {"settings", "alarms", "certificates", "files", "issues", "round_trips"} <= tables
    assert WORD in case.name


def test_secrets_near_evidence_stay_out(files: Callable[..., Path]) -> None:
    from expdiag.intake.reread import around

    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----\n"
    lines = [
        "<Name>zone</Name>",
        "<Password>hunter2</Password>",
        "<SharedSecret>",
        "hunter2",
        "</SharedSecret>",
        '*c xConfiguration SNMP CommunityName: "hunter2"',
        '*c xConfiguration Applications ConferenceFactory Key: "hunter2"',
        '"releaseKey": "hunter2",',
        "https://admin:hunter2@host/",
        "{cipher}hunter2",
        "the password hunter2",
    ]
    folder = files({"a.txt": "\n".join(lines) + "\n" + key + "end\n"})
    shown = around([folder], {"a.txt": range(1, 20)})["a.txt"]
    assert shown[1] == "<Name>zone</Name>"
    assert "end" in shown.values()
    assert not [line for line in shown.values() if "hunter2" in line or "MIIEvQ" in line]
