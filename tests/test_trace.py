"""Path tracers: each sample against its rows written down, the lab against the truth, cuts, junk and hostile input."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import expdiag
from expdiag import tables
from expdiag.evidence import FileSources, place
from expdiag.intake import trace
from expdiag.intake.detect import Foreign, detect
from expdiag.intake.member import HEAD_BYTES, Member
from expdiag.intake.reading import Harvest, first_lines
from expdiag.intake.trace import command, mtr
from expdiag.intake.trace.answers import host, split
from tests.conftest import ROOT

SAMPLES = ROOT / "tests" / "samples" / "trace"
EXPECTED = sorted(SAMPLES.glob("*.rows.json"))
INPUTS = {path.name: path.read_bytes() for path in sorted(SAMPLES.iterdir()) if not path.name.endswith(".rows.json")}
SMALL = {name: data for name, data in INPUTS.items() if len(data) < 3000}


def read(data: bytes, vantage: str = "") -> Harvest:
    """Read bytes as a file of a case, by the path tracers whatever it looks like."""
    member = Member("x", data[:HEAD_BYTES], io.BytesIO(data[HEAD_BYTES:]).read)
    harvest = Harvest(FileSources(0, "x"), vantage=vantage)
    trace.READER.read(member, harvest)
    harvest.close()
    return harvest


def shown(harvest: Harvest) -> dict[str, list[dict[str, Any]]]:
    """Return rows as the samples write them down: without what is empty; sources as line numbers."""
    written = {}
    for table, rows in sorted(harvest.rows.items()):
        written[table] = [_shown_row(row, harvest) for row in rows]
    written["issues"] = [
        {"line": issue.line, "kind": issue.kind} for issue in harvest.issues if issue.kind != "undecodable"
    ]
    return written


def _shown_row(row: Any, harvest: Harvest) -> dict[str, Any]:
    cells = {name: value for name, value in row._asdict().items() if value is not None and value != ""}
    for name in ("source", "run", "p95_line"):
        if name in cells:
            cells[name] = harvest.sources.at(place(cells[name])).line
    return {
        name: value.isoformat()
        if hasattr(value, "isoformat")
        else round(value, 6)
        if isinstance(value, float)
        else value
        for name, value in cells.items()
    }


def test_every_sample_has_its_rows() -> None:
    assert {path.name.removesuffix(".rows.json") for path in EXPECTED} == set(INPUTS)


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.name.removesuffix(".rows.json"))
def test_sample(path: Path) -> None:
    data = INPUTS[path.name.removesuffix(".rows.json")]

    assert detect(data[:HEAD_BYTES]) is trace.READER
    assert shown(read(data)) == json.loads(path.read_text())


# File, pair of the truth, hops of the path; the base round trip is what no hop's answer can be faster than.
LAB = [
    ("traceroute-I.txt", "p1-p3", 3),
    ("traceroute-N1.txt", "p1-p3", 3),
    ("traceroute-T-4371.txt", "p1-p3", 3),
    ("traceroute-mtu.txt", "p1-p3", 3),
    ("traceroute-n.txt", "p1-p3", None),
    ("traceroute-udp-ratelimited.txt", "p1-p3", None),
    ("traceroute-udp.txt", "p1-p3", 3),
    ("traceroute-nat.txt", "p3-p4", 4),
    ("traceroute6.txt", "p1-p2", 2),
    ("busybox-traceroute.txt", "p1-p3", 3),
    ("tracepath.txt", "p1-p3", 3),
    ("tracepath-n.txt", "p1-p3", 3),
    ("tracepath-b-nat.txt", "p3-p4", 4),
    ("mtr-loss.json", "p2-p3", 3),
    ("mtr-nat.json", "p2-p4", 3),
    ("mtr-tcp4371.json", "p1-p3", 3),
    ("mtr.json", "p1-p3", 3),
    ("mtr.csv", "p1-p3", 3),
    ("mtr.xml", "p1-p3", 3),
]


@pytest.mark.parametrize(("name", "pair", "hops"), LAB)
def test_lab_captures_against_the_truth(real, name: str, pair: str, hops: int | None) -> None:
    truth = json.loads((real / "lab" / "captures" / "truth.json").read_text())["base_rtt_ms"][pair]
    harvest = read((real / "lab" / "captures" / name).read_bytes())

    (run,) = harvest.rows["traces"]
    last = [hop for hop in harvest.rows["hops"] if hop.outcome == "answered"][-1]

    assert (run.reached, run.hops, run.complete) == (True, hops, True)
    assert truth - 0.2 <= (last.rtt or last.mean) <= truth + 6  # the first probes carry address resolution
    assert not harvest.issues
    for round_trip in harvest.rows.get("round_trips", []):
        assert truth - 0.2 <= round_trip.min <= truth + 2


ROW_TOOLS = sorted(
    name for name in INPUTS if name.startswith(("traceroute", "busybox", "macos", "nxos", "ios", "freebsd"))
)


@pytest.mark.parametrize("name", ROW_TOOLS)
def test_rows_against_a_plain_count_of_times_and_stars(name: str) -> None:
    lines = INPUTS[name].decode().replace("!A", "0 ms").splitlines()
    rows = [line for line in lines if re.match(r" {0,2}\d{1,2} |    ", line)]
    times = [float(time) for row in rows for time in re.findall(r"([\d.]+) ms(?:ec)?", row)]
    hops = read(INPUTS[name]).rows["hops"]

    assert len(rows) > 1
    assert [hop.rtt or 0.0 for hop in hops if hop.outcome != "lost"] == times
    assert sum(hop.outcome == "lost" for hop in hops) == sum(row.count("*") for row in rows)


def test_mtr_against_the_readers_of_the_library() -> None:
    hubs = json.loads(INPUTS["mtr-loss.json"])["report"]["hubs"]
    from_json = [(h["host"], h["Snt"], h["Best"], h["Avg"], h["Wrst"], h["StDev"]) for h in hubs]
    lines = csv.DictReader(INPUTS["mtr.csv"].decode().splitlines())
    from_csv = [(r["Ip"], int(r["Snt"]), *(float(r[c]) for c in ("Best", "Avg", "Wrst", "StDev"))) for r in lines]
    tree = ElementTree.fromstring(INPUTS["mtr.xml"])
    from_xml = [
        (h.get("HOST"), int(h.findtext("Snt")), *(float(h.findtext(c)) for c in ("Best", "Avg", "Wrst", "StDev")))
        for h in tree
    ]

    for name, expected in (("mtr-loss.json", from_json), ("mtr.csv", from_csv), ("mtr.xml", from_xml)):
        hops = read(INPUTS[name]).rows["hops"]
        assert [(h.address or h.name, h.sent, h.min, h.mean, h.max, h.deviation) for h in hops] == expected


def test_mtr_raw_against_a_plain_count() -> None:
    words = [line.split() for line in INPUTS["mtr-raw.txt"].decode().splitlines()]
    expected = sorted((int(w[1]) + 1, int(w[2]) / 1000) for w in words if w[0] == "p")

    assert sorted((hop.ttl, hop.rtt) for hop in read(INPUTS["mtr-raw.txt"]).rows["hops"]) == expected


def test_mtr_forms_of_one_path_agree() -> None:
    ends = [read(INPUTS[name]).rows["round_trips"][0] for name in ("mtr.json", "mtr.csv", "mtr.xml", "mtr-report.txt")]

    assert {round(end.min) for end in ends} == {30, 31}
    assert {end.loss for end in ends} == {0.0}


def test_a_firewall_that_prohibits_is_named() -> None:
    (proof,) = read(INPUTS["traceroute-c1-4371-X.txt"]).rows["reachability"]

    assert (proof.state, proof.said_by, proof.port, proof.transport) == ("prohibited", "10.77.8.1", None, "")


def test_silence_of_a_port_proves_nothing() -> None:
    harvest = read(INPUTS["traceroute-T-4372-drop.txt"])

    assert "reachability" not in harvest.rows
    assert harvest.rows["traces"][0].reached is False


def test_the_folder_is_the_vantage_before_prompt_and_host_line() -> None:
    for name in ("mtr-report-silent.txt", "mtr.json", "ios.txt", "pathping-english.txt"):
        harvest = read(INPUTS[name], vantage="e9")
        assert {row.vantage for rows in harvest.rows.values() for row in rows if hasattr(row, "vantage")} == {"e9"}


def test_a_vantage_of_the_output_is_no_missing_vantage(files) -> None:
    case = expdiag.load(files({"a/mtr.json": INPUTS["mtr.json"], "b/mtr.csv": INPUTS["mtr.csv"]}))

    assert [issue.file for issue in case.all_issues if issue.kind == "vantage"] == ["b/mtr.csv"]


@pytest.mark.parametrize(
    ("sent", "loss", "counts"),
    [
        (20, "15.0%", (20, 17)),
        (20, "10.5%", (19, 17)),  # the last probe was on its way: 2 of 19
        (20, "0.0", (20, 20)),
        (15, "26.666", (15, 11)),  # cut off, not rounded
        (10, "100.0", (10, 0)),
        (3000, "0.1%", (None, None)),  # two, three or four: no exact count
        (10, "13.0%", (None, None)),
        (0, "0.0%", (0, 0)),
        (10, "999.0%", (None, None)),
        (None, "0.0%", (None, None)),
    ],
)
def test_counts_behind_a_share(sent: int | None, loss: str, counts: tuple[int | None, int | None]) -> None:
    assert mtr.counts(sent, loss) == counts


@pytest.mark.parametrize("sent", [1, 2, 7, 10, 20, 30, 99, 100])
def test_counts_are_those_mtr_had(sent: int) -> None:
    for lost in range(sent + 1):
        share = int(1000 * (100 - 100.0 * (sent - lost) / sent)) / 1000
        for text in (f"{share:4.1f}%", f"{share:.2f}", f"{share:.3f}"):
            assert mtr.counts(sent, text) == (sent, sent - lost)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("traceroute -T -p 4371 -n e2", ("traceroute", "e2", "tcp-syn", 4371, None)),
        ("traceroute -nTp4371 -m6 e2 60", ("traceroute", "e2", "tcp-syn", 4371, 6)),
        ("traceroute --tcp --port=4371 --max-hops=6 e2", ("traceroute", "e2", "tcp-syn", 4371, 6)),
        ("/usr/sbin/traceroute -I e2", ("traceroute", "e2", "icmp", None, None)),
        ("traceroute -T e2", ("traceroute", "e2", "tcp-syn", 80, None)),
        ("traceroute -U -p 5060 e2", ("traceroute", "e2", "udp", 5060, None)),
        ("traceroute -p 33500 e2", ("traceroute", "e2", "udp", None, None)),  # the first of many ports
        ("traceroute -P tcp -p 22 e2", ("traceroute", "e2", "tcp-syn", 22, None)),
        ("traceroute6 e2", ("traceroute", "e2", "udp", None, None)),
        ("traceroute vrf red ip e2 source 10.0.0.1", ("traceroute", "e2", "udp", None, None)),
        ("traceroute e2 use-icmp", ("traceroute", "e2", "icmp", None, None)),
        ("tcptraceroute e2 5061", ("tcptraceroute", "e2", "tcp-syn", 5061, None)),
        ("mtr -rwbzc 5 e2", ("mtr", "e2", "icmp", None, None)),
        ("mtr -T -P 4371 -j e2", ("mtr", "e2", "tcp-syn", 4371, None)),
        ("mtr --udp --port 5060 --report-cycles 4 e2", ("mtr", "e2", "udp", 5060, None)),
        ('mtr -o "LS NABWV" e2', ("mtr", "e2", "icmp", None, None)),
        ('mtr -o "LS e2', ("mtr", "e2", "icmp", None, None)),
        ("tracert -d -h 5 e2", ("tracert", "e2", "icmp", None, 5)),
        ("tracert.exe /d /h 5 e2", ("tracert", "e2", "icmp", None, 5)),
        ("tracepath -n e2", ("tracepath", "e2", "udp", None, None)),
        ("traceroute -T -p 99999999999 e2", ("traceroute", "e2", "tcp-syn", 80, None)),
        ("traceroute", ("traceroute", "", "udp", None, None)),
        ("ping e2", None),
        ("", None),
    ],
)
def test_command_lines(line: str, expected: tuple[object, ...] | None) -> None:
    assert command.parse(line) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r1 (10.0.0.1)", ("10.0.0.1", "r1")),
        ("r1 [10.0.0.1]", ("10.0.0.1", "r1")),
        ("10.0.0.1 (10.0.0.1)", ("10.0.0.1", "")),
        ("??? (10.0.0.1)", ("10.0.0.1", "")),
        ("fd77::1", ("fd77::1", "")),
        ("r1", ("", "r1")),
        ("???", ("", "")),
    ],
)
def test_hosts(text: str, expected: tuple[str, str]) -> None:
    assert host(text) == expected


@pytest.mark.parametrize(
    ("tail", "count", "unread"),
    [
        ("10.0.0.1  12.1 ms  12.2 ms *", 3, ""),
        ("10.0.0.1  12.1 ms  12.2", 1, "12.2"),
        ("10.0.0.1  12.1 ms  12.2 m", 1, "12.2 m"),
        ("10.0.0.1  12.1 ms 10.0.0.2", 1, "10.0.0.2"),
        ("12.1 ms", 0, "12.1 ms"),
        ("10.0.0.1 1234567890123 ms", 0, "10.0.0.1 1234567890123 ms"),
        ("bytes from 10.0.0.2: icmp_seq=1 ttl=62 time=10 ms", 0, "bytes from 10.0.0.2: icmp_seq=1 ttl=62 time=10 ms"),
    ],
)
def test_tails(tail: str, count: int, unread: str) -> None:
    seen, left = split(tail)

    assert (len(seen), left) == (count, unread)


def _plain(harvest: Harvest) -> list[tuple[Any, ...]]:
    return [row[1:-1] for row in harvest.rows.get("hops", [])]


@pytest.mark.parametrize("name", SMALL)
def test_a_cut_makes_nothing_up(name: str) -> None:
    """At every few bytes: each row of a cut is in the whole, perhaps with more said of it, and so is each target."""
    whole = read(SMALL[name])
    details: dict[tuple[Any, ...], set[str]] = {}
    for row in _plain(whole) + LISTED.get(name, []):
        details.setdefault(row[:-1], set()).add(row[-1])
    targets = {(run.target, run.address) for run in whole.rows.get("traces", [])}
    for end in range(0, len(SMALL[name]), 1 + len(SMALL[name]) // 300):
        cut = read(SMALL[name][:end])
        for row in _plain(cut):
            said = details.get(row[:-1], set())
            assert any(f"{more} ".startswith(f"{row[-1]} ".lstrip()) for more in said), (end, row)
        for run in cut.rows.get("traces", []):
            if not name.startswith(("tracepath", "webpage")):  # they tell their target later or beside
                assert (run.target, run.address) in targets, end


# Pathping's list, before its table is there
LISTED = {
    "pathping-english.txt": [
        (ttl, 1, "answered", address, name, None, 1, 1, None, None, None, None, "")
        for ttl, address, name in (
            (1, "10.0.1.1", ""),
            (2, "192.0.2.1", "core.example.com"),
            (3, "10.0.3.13", "e3.example.com"),
        )
    ]
}


@pytest.mark.parametrize(
    "name", ["traceroute-udp.txt", "tracert-english.txt", "ios.txt", "tracepath.txt", "mtr.json", "mtr.xml"]
)
@pytest.mark.parametrize("sixteenth", range(1, 16))
def test_a_cut_is_an_issue_or_between_two_runs(name: str, sixteenth: int) -> None:
    data = INPUTS[name]
    harvest = read(data[: len(data) * sixteenth // 16])

    assert harvest.issues or all(run.complete for run in harvest.rows.get("traces", []))
    assert harvest.complete or "truncated" in {issue.kind for issue in harvest.issues}


JUNK = "zzz some 42 words of somebody here"


@pytest.mark.parametrize("name", SMALL)
def test_a_line_nobody_knows_is_an_issue_wherever_it_stands(name: str) -> None:
    if name in ("tracert-russian-cp866.txt", "pathping-german-cut.txt"):
        return  # its lines are issues already; words before a table may be anything in any language
    lines = SMALL[name].decode().splitlines()
    before = len(read(SMALL[name]).issues)
    for at in range(len(lines) + 1):
        harvest = read("\n".join([*lines[:at], JUNK, *lines[at:], ""]).encode())
        assert len(harvest.issues) > before, at


def test_other_formats_are_not_claimed(real) -> None:
    captures = real / "lab" / "captures"
    others = [
        path for path in captures.iterdir() if path.name not in INPUTS and path.suffix in (".txt", ".stdout", ".nmap")
    ]
    others += list((real / "samples").glob("*.txt"))

    assert len(others) > 50
    assert [path.name for path in others if trace.READER.claims(first_lines(path.read_bytes()[:HEAD_BYTES]))] == []


def test_what_follows_a_document_without_end_is_read() -> None:
    text = (
        b"{\n"
        + INPUTS["traceroute-udp.txt"]
        + b'{"report": {"mtr": {"dst": "10.0.0.9"}, "hubs": [\n'
        + INPUTS["mtr.xml"]
    )
    harvest = read(text)

    assert [run.tool for run in harvest.rows["traces"]] == ["traceroute", "mtr"]
    assert [(issue.line, issue.kind) for issue in harvest.issues] == [(1, "truncated"), (6, "truncated")]


def test_windows_line_ends_utf16_and_blanks_before_rows() -> None:
    for name in ("tracert-english.txt", "traceroute-udp.txt", "mtr-report.txt", "mtr.json"):
        plain = shown(read(INPUTS[name]))
        text = INPUTS[name].decode()
        assert shown(read(text.replace("\n", "\r\n").encode())) == plain
        assert shown(read(text.encode("utf-16"))) == plain
    indented = "\n".join(f"    {line}" for line in INPUTS["traceroute-udp.txt"].decode().splitlines())
    assert _plain(read(indented.encode())) == _plain(read(INPUTS["traceroute-udp.txt"]))


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\0\1\2", b"\xff\xfe\x00", b"nothing of ours\n"])
def test_what_is_no_trace_gives_no_rows(data: bytes) -> None:
    assert read(data).rows == {}


def test_other_json_is_not_taken() -> None:
    assert detect(b'{"report": {"other": 1}}') is not trace.READER
    assert detect(b'{"peers": ["10.0.0.1"], "mtr": 1}') is not trace.READER
    assert detect(b"\xef\xbb\xbf" + INPUTS["mtr.json"]) is trace.READER
    assert detect(INPUTS["mtr.json"].decode().encode("utf-16")) is trace.READER
    assert detect(INPUTS["mtr.xml"]) is trace.READER
    assert isinstance(detect(b'<?xml version="1.0"?><!DOCTYPE MTR><MTR SRC="a" DST="b"></MTR>'), Foreign)


HOSTILE = {
    "stars": "traceroute to a (10.0.0.1), 30 hops max, 60 byte packets\n 1 " + "* " * 100_000 + "\n",
    "labels": " 1  10.0.0.1  1 ms\n" + "     MPLS Label=1 CoS=0 TTL=1 S=1\n" * 50_000,
    "brackets": " 1  10.0.0.1 " + "[" * 100_000 + "\n",
    "parentheses": " 1  10.0.0.1 " + "(a" * 50_000 + " 1 ms\n",
    "blanks": " 1 " + " " * 200_000 + "x\n",
    "spaces between": " 1  10.0.0.1" + "  12 ms" * 30_000 + " x\n",
    "nesting": '{"report": {"mtr": {"dst": "a"}, "hubs": [' + "[" * 100_000 + "\n",
    "braces": "{\n" * 100_000,
    "xml depth": "<MTR SRC='a' DST='b'>" + "<a>" * 50_000 + "\n",
    "xml entity": '<?xml version="1.0"?>\n<!DOCTYPE MTR [<!ENTITY a "b">]>\n<MTR SRC="a" DST="&a;"></MTR>\n',
    "surrogate": '{"report": {"mtr": {"src": "\\ud800"}, "hubs": [{"count": 1, "host": "\\ud800", "Snt": 1}]}}\n',
    "long number": '{"report": {"mtr": {}, "hubs": [{"count": '
    + "9" * 5000
    + ', "host": "a", "Avg": 1e999, "Best": NaN}]}}\n',
    "odd digits": " \u0661  10.0.0.1  \u0661\u0662 ms\n\u00b2  10.0.0.1 3 ms\n",
    "huge epoch": "Mtr_Version,Start_Time,Status,Host,Hop,Ip,Loss%,Snt,\nMTR.0.95,99999999999,OK,a,1,10.0.0.1,0.00,1\n",
    "early start": "Start: 0001-01-01T00:00:00+14:00\nHOST: a  Loss% Snt\n  1.|-- 10.0.0.1  0.0%  1\n",
    "no values": "HOST: a  Loss%\n  1.|-- Loss%\n  1.|-- \n",
    "answers": "x 0 1\nh 0 10.0.0.1\n" + "p 0 1 1\n" * 50_000,
    "unanswered": "".join(f"x 0 {n}\n" for n in range(50_000)),
    "answered before sent": "h 0 10.0.0.1\np 0 430\np 0 431\nx 0 1\nx 0 1\n",
    "tracert": "  1 " + "   *     " * 20_000 + "\n",
    "pathping": "  1 " + "0/ " * 60_000 + "\n",
    "prose": "  1     1 ms     1 ms     1 ms  10.0.0.1\n" + "words\n" * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_rows_or_issues_soon(name: str) -> None:
    start = time.perf_counter()
    harvest = read(HOSTILE[name].encode())
    fit(harvest)

    assert harvest.rows or harvest.issues
    assert time.perf_counter() - start < 10


def fit(harvest: Harvest) -> None:
    """Hold every table against its schema, and the finding of every source."""
    for name, rows in harvest.rows.items():
        assert tables.problems(name, tables.frame(name, rows)) == []
        assert all(harvest.sources.at(place(row.source)).line for row in rows)
    for run in harvest.rows.get("round_trips", []):
        assert run.sent is None or 0 <= run.answered <= run.sent


PIECES = st.sampled_from([line for data in SMALL.values() for line in data.splitlines(keepends=True)])
MUTATED = st.lists(
    st.one_of(
        PIECES,
        PIECES,
        PIECES.map(lambda line: line[: len(line) // 2]),
        st.binary(max_size=30),
        st.text(max_size=30).map(str.encode),
    ),
    max_size=40,
).map(b"".join)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(MUTATED, st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_anything_gives_rows_or_issues(data: bytes) -> None:
    harvest = read(data)

    fit(harvest)
    assert trace.READER.claims(first_lines(data)) >= 0


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(MUTATED)
def test_hops_belong_to_a_run_and_count_up(data: bytes) -> None:
    harvest = read(data)

    runs = {run.source for run in harvest.rows.get("traces", [])}
    assert {hop.run for hop in harvest.rows.get("hops", [])} <= runs
    for hop in harvest.rows.get("hops", []):
        assert 1 <= hop.ttl <= 255
        assert (hop.rtt is None) or hop.outcome != "lost"
