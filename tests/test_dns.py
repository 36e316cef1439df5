"""Name lookups: each variant against its expected rows, real tools against a server that knows what it answered."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import expdiag
from expdiag.evidence import SourceBook, place
from expdiag.intake import names
from expdiag.intake.detect import Foreign, detect, text_readers
from expdiag.intake.member import HEAD_BYTES, Member
from expdiag.intake.names.commands import Question, command
from expdiag.intake.reading import Harvest, TooMuchError
from expdiag.tables import TABLES, frame, problems
from tests import resolver

SAMPLES = Path(__file__).parent / "samples" / "dns"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.txt"))


def harvest_of(content: bytes, vantage: str = "") -> Harvest:
    rest = io.BytesIO(content[HEAD_BYTES:])
    harvest = Harvest(SourceBook().open("x"), vantage=vantage)
    names.READER.read(Member("x", content[:HEAD_BYTES], rest.read), harvest)
    return harvest


def plain(harvest: Harvest) -> dict[str, list[dict[str, object]]]:
    """Return rows as the samples write them: sources as line numbers, times in ISO form."""

    def value(key: str, of: object) -> object:
        if key in ("source", "query"):
            return harvest.sources.at(place(of)).line
        return of.isoformat() if isinstance(of, datetime) else of

    rows = {
        table: [{key: value(key, of) for key, of in row._asdict().items()} for row in harvest.rows.get(table, [])]
        for table in ("dns_queries", "dns_records")
    }
    issues = [{"line": issue.line, "kind": issue.kind} for issue in harvest.issues]
    return {**rows, "issues": issues}


@pytest.mark.parametrize("name", NAMES)
def test_each_variant_gives_its_rows(name: str) -> None:
    expected = json.loads((SAMPLES / f"{name}.json").read_text())

    assert plain(harvest_of((SAMPLES / f"{name}.txt").read_bytes())) == expected


@pytest.mark.parametrize("name", NAMES)
def test_no_other_reader_claims_a_sample(name: str) -> None:
    head = (SAMPLES / f"{name}.txt").read_bytes()

    reader = detect(head)

    assert not isinstance(reader, Foreign), reader
    assert reader.kind == "name lookups"
    lines = head.decode().splitlines()
    assert [other.kind for other in text_readers() if other.claims(lines)] == ["name lookups"]


def test_a_session_with_crlf_and_blanks_reads_alike() -> None:
    content = (SAMPLES / "lab-dig-multi.txt").read_bytes()

    assert plain(harvest_of(content.replace(b"\n", b"\r\n"))) == plain(harvest_of(content))
    assert plain(harvest_of(b"\xff\xfe" + content.decode().encode("utf-16-le"))) == plain(harvest_of(content))


def test_the_folder_is_the_vantage_before_the_prompt(files) -> None:
    text = "admin@other:~$ " + "dig +noall +answer expc02.lab.test\nexpc02.lab.test. 5 IN A 10.77.2.10\n"

    case = expdiag.load(files({"probes/e1/dig.txt": text, "loose/dig.txt": text}))

    assert sorted(case.tables["dns_queries"].vantage) == ["e1", "other"]


def test_the_time_of_an_answer_is_the_time_of_the_case(files) -> None:
    case = expdiag.load(files({"dig.txt": (SAMPLES / "lab-dig-a.txt").read_bytes()}))

    assert case.as_of.isoformat() == "2026-11-22T18:39:02+00:00"


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC ", 18), ("GMT ", 18), ("+02 ", 16), ("-0530 ", 0), ("CEST ", None), ("EST ", None), ("", None)],
)
def test_only_certain_zones_give_a_time(zone: str, expected: int | None) -> None:
    text = (SAMPLES / "lab-dig-a.txt").read_text().replace("UTC ", zone)

    (query,) = harvest_of(text.encode()).rows["dns_queries"]

    assert (query.time.hour if query.time else None) == expected


@pytest.mark.parametrize(
    ("line", "questions"),
    [
        ("dig SRV a.test b.test", [Question("a.test", "SRV"), Question("b.test", "A")]),
        ("dig @10.0.0.1 a.test MX", [Question("a.test", "MX", "10.0.0.1")]),
        ("dig +tcp -t aaaa -p 53 A.Test.", [Question("a.test", "AAAA", "", "tcp")]),
        ("dig -x 10.0.0.1", [Question("1.0.0.10.in-addr.arpa", "PTR")]),
        ("dig", [Question(".", "NS")]),
        ("host -t srv a.test 10.0.0.1", [Question("a.test", "SRV", "10.0.0.1")]),
        ("nslookup -q=mx a.test", [Question("a.test", "MX")]),
        ("Resolve-DnsName -Name a.test -Type SRV -Server 10.0.0.1", [Question("a.test", "SRV", "10.0.0.1")]),
    ],
)
def test_what_commands_ask(line: str, questions: list[Question]) -> None:
    asked = command(line)

    assert asked is not None
    assert list(asked.questions) == questions


def test_a_cut_message_says_so_and_leaves_out_the_record_it_ends_in() -> None:
    content = (SAMPLES / "lab-dig-srv.txt").read_text()

    harvest = harvest_of(content[: content.index("5061 expc02.lab.") + 12].encode())

    (query,), records = harvest.rows["dns_queries"], harvest.rows["dns_records"]
    assert (query.name, query.answers, query.server, query.rtt) == ("_sips._tcp.lab.test", 2, "", None)
    assert [record.value for record in records] == ["expc01.lab.test"]
    assert "truncated" in {issue.kind for issue in harvest.issues}
    assert not harvest.complete


def test_announced_but_missing_answers_are_an_issue() -> None:
    text = (SAMPLES / "lab-dig-srv.txt").read_text()
    lines = [line for line in text.splitlines() if "10 10 5061 expc02" not in line]

    harvest = harvest_of("\n".join(lines).encode() + b"\n")

    assert [issue.kind for issue in harvest.issues] == ["contradiction"]


def test_a_record_that_is_none_is_never_an_empty_answer() -> None:
    text = (SAMPLES / "lab-dig-a.txt").read_text().replace("10.77.2.10\n", "10.77.2.\n")

    harvest = harvest_of(text.encode())

    assert [record.value for record in harvest.rows["dns_records"]] == ["10.77.2."]
    assert [issue.kind for issue in harvest.issues] == ["unparsed"]


# The oracle: what the server was told to answer


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with resolver.serving() as number:
        yield number


def ran(tool: str, *arguments: str) -> Harvest:
    """Run a tool and read its output; the messages it writes to standard error come along, as in a terminal."""
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed; Debian has it in bind9-dnsutils and bind9-host")
    done = subprocess.run([tool, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60)
    command_line = f"admin@e1:~$ {tool} {' '.join(arguments)}\n".encode()
    return harvest_of(command_line + done.stdout + b"admin@e1:~$ \n")


def told(owner: str, kind: str) -> set[tuple[object, ...]]:
    """Return what the server was told of a name, as rows have it."""
    rows: set[tuple[object, ...]] = set()
    for words in resolver.ZONE.get((owner, kind), ()):
        fields = words.lower().rstrip(".").split() if kind != "TXT" else [words]
        if kind == "SRV":
            rows.add((owner.lower(), kind, fields[3], *map(int, fields[:3])))
        elif kind == "MX":
            rows.add((owner.lower(), kind, fields[1], int(fields[0]), None, None))
        elif kind == "SOA":
            names_ = [field.rstrip(".") for field in fields]
            rows.add((owner.lower(), kind, " ".join(names_), None, None, None))
        else:
            rows.add((owner.lower(), kind, fields[0], None, None, None))
    return rows


def got(harvest: Harvest, section: str = "answer") -> set[tuple[object, ...]]:
    return {
        (record.name, record.type, record.value, record.priority, record.weight, record.port)
        for record in harvest.rows.get("dns_records", [])
        if record.section == section
    }


ASKED = [
    ("expc01.lab.test", "A"),
    ("expc01.lab.test", "AAAA"),
    ("cluster.lab.test", "A"),
    ("mixed.lab.test", "A"),
    ("_sips._tcp.lab.test", "SRV"),
    ("_cisco-uds._tcp.lab.test", "SRV"),
    ("lab.test", "MX"),
    ("lab.test", "TXT"),
    ("lab.test", "NS"),
    ("lab.test", "SOA"),
    ("xn--mnchen-3ya.lab.test", "A"),
    ("10.1.77.10.in-addr.arpa", "PTR"),
    ("alias.lab.test", "CNAME"),
]
ZONE_NAMES = {owner.lower(): owner for owner, _ in resolver.ZONE}
FORMS = {
    "full": (),
    "answer": ("+noall", "+answer"),
    "short": ("+short",),
    "yaml": ("+yaml",),
    "multiline": ("+multiline",),
    "nocomments": ("+nocomments",),
    "tcp": ("+tcp",),
    "noclass": ("+noclass", "+ttlunits", "+qr"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "kind"), ASKED)
def test_dig_against_what_the_server_was_told(port: int, form: str, name: str, kind: str) -> None:
    harvest = ran("dig", "-p", str(port), "@127.0.0.1", *FORMS[form], name, kind)

    (query,) = harvest.rows["dns_queries"]
    assert got(harvest) == {(name, *row[1:]) for row in told(ZONE_NAMES[name], kind)}
    assert (query.name, query.type, query.server, query.tool) == (name, kind, "127.0.0.1", "dig")
    assert query.answers == len(told(ZONE_NAMES[name], kind))
    assert query.vantage == "e1"
    assert not harvest.issues
    if form not in ("answer", "short"):
        assert (query.status, query.rtt is not None) == ("NOERROR", True)
        assert query.transport == ("tcp" if form == "tcp" else "udp")
        assert {record.ttl for record in harvest.rows["dns_records"]} == {resolver.TTL}


@pytest.mark.parametrize("tool", ["host", "nslookup"])
@pytest.mark.parametrize(("name", "kind"), ASKED)
def test_host_and_nslookup_against_what_the_server_was_told(port: int, tool: str, name: str, kind: str) -> None:
    option = ("-p", str(port), "-t", kind) if tool == "host" else (f"-port={port}", f"-type={kind}")

    harvest = ran(tool, *option, name, "127.0.0.1")

    (query,) = harvest.rows["dns_queries"]
    assert got(harvest) == told(ZONE_NAMES[name], kind) or got(harvest) == {
        (name, *row[1:]) for row in told(ZONE_NAMES[name], kind)
    }
    assert (query.name, query.type, query.status, query.server) == (name, kind, "NOERROR", "127.0.0.1")
    assert query.answers == len(told(ZONE_NAMES[name], kind))
    assert not harvest.issues


@pytest.mark.parametrize("tool", ["dig", "host", "nslookup"])
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("nosuch.lab.test", "NXDOMAIN"),
        ("x.refused.test", "REFUSED"),
        ("x.broken.test", "SERVFAIL"),
        ("x.silent.test", "TIMEOUT"),
    ],
)
def test_what_is_no_answer_is_a_result(port: int, tool: str, name: str, status: str) -> None:
    options = {
        "dig": ("-p", str(port), "+time=1", "+tries=1", "@127.0.0.1", name),
        "host": ("-p", str(port), "-W", "1", "-R", "1", name, "127.0.0.1"),
        "nslookup": (f"-port={port}", "-timeout=1", "-retry=1", name, "127.0.0.1"),
    }

    harvest = ran(tool, *options[tool])

    (query,) = harvest.rows["dns_queries"]
    assert (query.name, query.status, query.server, query.tool) == (name, status, "127.0.0.1", tool)
    assert query.answers == (None if status == "TIMEOUT" else 0)
    assert not harvest.issues


def test_a_port_nobody_listens_on() -> None:
    harvest = ran("dig", "-p", "1", "+time=1", "+tries=1", "@127.0.0.1", "a.test")

    assert [(query.status, query.answers) for query in harvest.rows["dns_queries"]] == [("CONNECTION-REFUSED", None)]


def test_a_chain_of_aliases_is_one_answer(port: int) -> None:
    chain = told("alias.lab.test", "CNAME") | told("exp.lab.test", "CNAME") | told("expc01.lab.test", "A")
    for form in ((), ("+noall", "+answer"), ("+short",)):
        harvest = ran("dig", "-p", str(port), "@127.0.0.1", *form, "alias.lab.test")

        assert got(harvest) == chain
        assert [(query.name, query.answers) for query in harvest.rows["dns_queries"]] == [("alias.lab.test", 3)]


def test_an_answer_too_large_for_udp(port: int) -> None:
    harvest = ran("dig", "-p", str(port), "@127.0.0.1", "+bufsize=512", "big.lab.test", "TXT")

    (query,) = harvest.rows["dns_queries"]
    assert (query.transport, query.answers) == ("tcp", 29)
    assert got(harvest) == told("big.lab.test", "TXT")


def test_a_transfer(port: int) -> None:
    harvest = ran("dig", "-p", str(port), "@127.0.0.1", "lab.test", "AXFR")

    (query,) = harvest.rows["dns_queries"]
    assert (query.type, query.answers, query.transport) == ("AXFR", 5, "tcp")
    assert got(harvest) == (
        told("lab.test", "SOA")
        | told("lab.test", "NS")
        | told("expc01.lab.test", "A")
        | told("expc01.lab.test", "AAAA")
    )


def test_glue_is_additional(port: int) -> None:
    harvest = ran("dig", "-p", str(port), "@127.0.0.1", "_sips._tcp.lab.test", "SRV")

    assert got(harvest, "additional") == (
        told("expc01.lab.test", "A") | told("expc01.lab.test", "AAAA") | told("expc02.lab.test", "A")
    )


# Whatever comes


def accounted(content: bytes) -> Harvest | None:
    """Read anything: no exception, tables fit, every record has its question."""
    try:
        harvest = harvest_of(content)
    except TooMuchError:
        return None
    for table, rows in harvest.rows.items():
        assert table in TABLES
        assert problems(table, frame(table, rows)) == []
    sources = {query.source for query in harvest.rows.get("dns_queries", [])}
    assert {record.query for record in harvest.rows.get("dns_records", [])} <= sources
    return harvest


@pytest.mark.parametrize("name", NAMES)
def test_samples_cut_at_any_sixteenth(name: str) -> None:
    content = (SAMPLES / f"{name}.txt").read_bytes()
    whole = {str(row) for row in plain(harvest_of(content))["dns_records"]}
    for part in range(17):
        harvest = accounted(content[: len(content) * part // 16])
        assert harvest is not None
        if harvest.open_end:
            continue
        assert len({str(row) for row in plain(harvest)["dns_records"]}) <= len(whole)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp037"])
def test_samples_in_a_wrong_encoding(encoding: str) -> None:
    for name in NAMES:
        accounted((SAMPLES / f"{name}.txt").read_text().encode(encoding, errors="replace"))


@given(st.binary(max_size=2000) | st.text(max_size=2000).map(str.encode))
@settings(deadline=None, max_examples=150)
def test_any_bytes_are_read_or_reported(content: bytes) -> None:
    accounted(content)


LINES = sorted({line for name in NAMES for line in (SAMPLES / f"{name}.txt").read_text().splitlines() if line.strip()})


@given(st.lists(st.sampled_from(LINES), max_size=25), st.integers(0, 3000), st.binary(max_size=3))
@settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow])
def test_lines_in_any_order_are_read_or_reported(lines: list[str], at: int, noise: bytes) -> None:
    content = "\n".join(lines).encode()
    accounted(content[:at] + noise + content[at:])


@given(st.sampled_from(LINES), st.text("abcdefghijklmnop #;=", min_size=3, max_size=30))
@settings(deadline=None, max_examples=150)
def test_a_line_nobody_knows_is_never_dropped(line: str, odd: str) -> None:
    assume("(" not in line)  # a record that goes on over lines takes the next one
    strange = "?!" + odd.strip()

    harvest = accounted(f"{line}\n{strange}\n".encode())

    assert harvest is not None
    assert strange in {issue.text for issue in harvest.issues if issue.kind == "unrecognised"}


@pytest.mark.parametrize(
    "text",
    [
        "a.test. " + "9" * 5000 + " IN A 10.0.0.1",
        "a.test. 5 IN A " + "1" * 60_000,
        "a.test. 5 IN TXT " + '"' + "\\" * 60_000,
        "a.test. 5 IN SOA (" + "( " * 60_000,
        "x" * 60_000 + ". 5 IN A 10.0.0.1",
        "Name" + " " * 60_000 + ": x",
        "Server:" + " " * 60_000 + "x y",
        "a" + " " * 60_000 + "= b",
        "Query type\tName\tTTL\tClass\tType\tResponse\nA" + " " * 60_000 + "x",
        ";; flags: " + "x" * 60_000 + "; ANSWER: " * 1000,
        ";; WHEN: Sun Nov 22 18:39:02 +9999 2026",
        "dig " + "a " * 20_000,
        "a\u0662.test. 5 IN A \u0661.0.0.1",
        'a.test. 5 IN TYPE99999999 "x"',
    ],
    ids=range(14),
)
def test_hostile_lines_take_a_moment(text: str) -> None:
    import time

    head = (SAMPLES / "lab-dig-a.txt").read_text().partition(";; Query time")[0]
    start = time.perf_counter()

    accounted((text + "\n").encode())
    accounted((head + text + "\n").encode())

    assert time.perf_counter() - start < 5


def test_a_header_after_records_begins_another_lookup() -> None:
    text = "\n".join(
        (
            "e1:~$ dig SRV _sips._tcp.lab.test",
            "expc01.lab.test.\t0\tIN\tA\t10.77.1.10",
            ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1",
        )
    )

    harvest = accounted(text.encode())

    assert harvest is not None
    assert len(harvest.rows["dns_queries"]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Server:\t\t10.77.7.53\nAddress:\t10.77.7.53#53\n\n",
        "; <<>> DiG 9.18.1 <<>> expc02.lab.test\n;; global options: +cmd\n",
        "e1:~$ nslookup expc02.lab.test\n",
        "e1:~$ host expc02.lab.test\n",
    ],
)
def test_output_that_ends_before_its_answer_says_so(text: str) -> None:
    harvest = accounted(text.encode())

    assert harvest is not None
    assert not harvest.rows
    assert [issue.kind for issue in harvest.issues] == ["truncated"]
