"""Probes of ports and TLS: samples by hand, captures of the lab against its truth, traps, and any input at all."""

from __future__ import annotations

import json
import re
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import expdiag
from expdiag import tables
from expdiag.errors import NothingReadableError
from expdiag.evidence import FileSources
from expdiag.intake import ports, read
from expdiag.intake.detect import Foreign, detect
from expdiag.intake.member import HEAD_BYTES, Member
from expdiag.intake.ports.session import Tool, read_runs
from expdiag.intake.reading import Harvest, Reader
from tests.conftest import ROOT


def _forced(tool: Tool, member: Member, harvest: Harvest) -> None:
    """Read with one tool, whatever the text looks like."""
    read_runs(member, harvest, ports.TOOLS, tool)


SAMPLES = ROOT / "tests" / "samples" / "ports"
INPUTS = sorted(path for path in SAMPLES.iterdir() if path.suffix != ".json")
TEXTS = [path for path in INPUTS if path.suffix == ".txt"]
READERS = (
    ports.NMAP_XML,
    *(Reader(str(tool.names), tool.claims, partial(_forced, tool)) for tool in ports.TOOLS),
)
SECRETS = re.compile(r"hunter2|aHVudGVyMj|[0-9A-Fa-f]{60,}|(?:[0-9a-f]{2}[ -]){8}")
GOOD = '*c xConfiguration IP DNS Hostname: "e1"\n'


def harvest_of(reader: Reader, data: bytes, vantage: str = "") -> Harvest:
    """Read bytes with one reader, whatever detection would say."""
    harvest = Harvest(FileSources(0, "x"), vantage=vantage)
    rest = [data[HEAD_BYTES:]]
    reader.read(Member("x", data[:HEAD_BYTES], lambda _: rest.pop() if rest else b""), harvest)
    harvest.close()
    return harvest


def shape(rows: dict[str, Any], line_of: Any) -> dict[str, list[dict[str, Any]]]:
    """Return rows as the samples keep them: what is not empty, and the line in the place of the source."""
    shaped: dict[str, list[dict[str, Any]]] = {}
    for table, found in rows.items():
        for row in found:
            kept = {key: _plain(value) for key, value in row._asdict().items() if value not in (None, "", ())}
            kept["line"] = line_of(kept.pop("source"))
            if "run" in kept:
                kept["run"] = line_of(kept["run"])
            shaped.setdefault(table, []).append(kept)
    return shaped


def _plain(value: Any) -> Any:
    return (
        value
        if isinstance(value, (int, float, str))
        else list(value)
        if isinstance(value, tuple)
        else value.isoformat()
    )


def result(path: Path) -> dict[str, Any]:
    reader = detect(path.read_bytes())
    assert not isinstance(reader, Foreign), reader.text
    harvest = harvest_of(reader, path.read_bytes())
    shaped = shape(harvest.rows, lambda source: harvest.sources.at(source & 0xFFFFFFFF).line)
    return {"kind": reader.kind, **shaped, "issues": [[issue.kind, issue.line] for issue in harvest.issues]}


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_samples_give_what_was_read_by_hand(path: Path) -> None:
    assert result(path) == json.loads((SAMPLES / f"{path.name.removesuffix('.txt')}.json").read_text())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_samples_show_no_secret_and_no_name_of_a_port(path: Path) -> None:
    case = expdiag.load(path)
    quoted = [
        case.sources[row.source].text for rows in case.dossier.rows.values() for row in rows if hasattr(row, "source")
    ]
    shown = "\n".join([*quoted, *(issue.text for issue in case.all_issues)])
    shown += "".join(
        str(row) for name in ("reachability", "tls_handshakes", "traces") for row in case.dossier.rows[name]
    )

    assert not SECRETS.search(re.sub(r"[0-9a-f]{64}", "", shown))  # but fingerprints of certificates
    assert "l2c-" not in shown


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_samples_fit_the_schema(path: Path) -> None:
    for name, frame in expdiag.load(path).tables.items():
        assert tables.problems(name, frame) == []


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_cut_anywhere_gives_rows_or_issues(path: Path) -> None:
    data = path.read_bytes()
    reader = detect(data)
    whole = harvest_of(reader, data)
    for sixteenth in range(16):
        cut = harvest_of(reader, data[: len(data) * sixteenth // 16])
        for table, rows in cut.rows.items():
            assert len(rows) <= len(whole.rows.get(table, [])) + 2, (table, sixteenth)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_other_ends_of_lines_and_other_encodings_change_nothing(path: Path) -> None:
    text = path.read_text()
    reader = detect(text.encode())
    wanted = [tuple(row)[:-1] for row in harvest_of(reader, text.encode()).rows.get("reachability", [])]

    for data in (text.replace("\n", "\r\n").encode(), text.encode("utf-16")):
        assert detect(data) is reader
        assert [tuple(row)[:-1] for row in harvest_of(reader, data).rows.get("reachability", [])] == wanted


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_a_line_that_no_tool_prints_is_reported_wherever_it_stands(path: Path) -> None:
    reader = detect(path.read_bytes())
    given_lines = path.read_text().splitlines()
    for place in range(0, len(given_lines) + 1, 7):
        text = "\n".join([*given_lines[:place], "zzqq nobody prints this", *given_lines[place:]])
        if any(
            sign in "".join(given_lines[max(place - 3, 0) : place]) for sign in ("<", "Acceptable client", "=Lab CA")
        ):
            continue  # a page that came back, or the list of authorities, hold anything
        issues = harvest_of(reader, text.encode()).issues

        assert [issue.line for issue in issues if "zzqq" in issue.text] == [place + 1], place


# --- the lab ---------------------------------------------------------------------------------------------------------


def lab(real: Path, name: str) -> dict[str, Any]:
    return dict(read([real / "lab" / "captures" / name]).rows)


def states(rows: dict[str, Any]) -> dict[tuple[str, int], tuple[str, str]]:
    return {(row.address, row.port): (row.state, row.said_by) for row in rows["reachability"]}


PEERS = ("10.77.1.10", "10.77.2.10", "10.77.3.10", "10.77.9.2")


def test_every_block_of_the_lab_is_found_from_outside(real: Path) -> None:
    truth = json.loads((real / "lab" / "captures" / "truth.json").read_text())["blocked"]
    rows = lab(real, "nmap-outside.xml")
    found = states(rows)

    assert "any->p3:4372 silent drop" in truth
    assert found["10.77.3.10", 4372] == ("filtered", "")
    assert "c1->*:4371 icmp admin-prohibited" in truth
    assert {found[peer, 4371] for peer in PEERS} == {("prohibited", "10.77.8.1")}
    assert "n1:4372 refused (not forwarded)" in truth
    assert found["10.77.9.2", 4372] == ("refused", "")
    assert "c1->*:5061 tcp reset" in truth
    nearer = {(row.address, row.port) for row in rows["reachability"] if "nearer than other ports" in row.detail}
    assert nearer == {(peer, 5061) for peer in PEERS}


@pytest.mark.parametrize("name", ["nmap-inside.xml", "nmap-inside.nmap", "nmap-inside.stdout"])
def test_the_inside_of_the_lab_in_every_form(real: Path, name: str) -> None:
    rows = lab(real, name)
    found = states(rows)
    far = {row.address: row.rtt for row in rows["hops"]}

    assert found["10.77.3.10", 4372] == ("filtered", "")
    assert found["10.77.9.2", 4372] == ("refused", "")
    assert {found[peer, 4371] for peer in PEERS[1:]} == {("open", "")}
    assert [(trace.address, trace.hops, trace.reached) for trace in rows["traces"]] == [
        ("10.77.2.10", 2, True),
        ("10.77.3.10", 3, True),
        ("10.77.9.2", 2, True),
    ]
    assert far["10.77.2.10"] == pytest.approx(14, abs=1)  # truth.json
    assert far["10.77.3.10"] == pytest.approx(30, abs=1)


def test_the_three_forms_of_one_scan_agree(real: Path) -> None:
    whole = states(lab(real, "nmap-inside.xml"))

    assert states(lab(real, "nmap-inside.nmap")) == states(lab(real, "nmap-inside.stdout")) == whole
    grepable = states(lab(real, "nmap-inside.gnmap"))
    assert {key for key in whole if whole[key] != grepable[key]} == {("10.77.3.10", 4372)}
    assert grepable["10.77.3.10", 4372] == ("not-open", "")


@pytest.mark.parametrize(
    ("name", "code", "common_name", "outcome"),
    [
        ("s_client-p2-4371.txt", 0, "expc02.lab.test", "completed"),
        ("s_client-p3-4371.txt", 10, "expc03.lab.test", "completed"),
        ("s_client-p4-4371.txt", 62, "old-name.lab.test", "completed"),
        ("s_client-p2-4372-noclientcert.txt", 0, "expc02.lab.test", "alert"),
    ],
)
def test_certificates_the_lab_presented(real: Path, name: str, code: int, common_name: str, outcome: str) -> None:
    rows = lab(real, name)
    (handshake,) = rows["tls_handshakes"]
    leaf = rows["certificates"][0]

    assert (handshake.verify_code, handshake.outcome) == (code, outcome)
    assert leaf.common_name == common_name
    assert leaf.fingerprint == handshake.server_certificates[0]
    peer = name.partition("-")[2][:2]
    known = read([real / "lab" / "captures" / f"cert-{peer}.pem"]).rows["certificates"][0]
    assert leaf._replace(role="", source=0, position=0, issued_by=None) == known._replace(
        role="", source=0, position=0, issued_by=None
    )
    if code == 10:
        assert leaf.not_after < handshake.time


def test_scripts_of_nmap_show_the_wrong_name(real: Path) -> None:
    rows = lab(real, "nmap-sslcert.xml")

    seen = {(row.server, row.port): row.server_certificates for row in rows["tls_handshakes"]}
    names = {row.fingerprint: row.common_name for row in rows["certificates"]}
    assert {key: names[shown[0]] for key, shown in seen.items()} == {
        ("10.77.2.10", 4371): "expc02.lab.test",
        ("10.77.2.10", 4372): "expc02.lab.test",
        ("10.77.9.2", 4371): "old-name.lab.test",
    }


def test_an_empty_file_says_nothing_whatever_it_is_called(real: Path) -> None:
    with pytest.raises(NothingReadableError) as caught:
        read([real / "lab" / "captures" / "s_client-p3-4372-drop.txt"])
    assert [issue.kind for issue in caught.value.issues] == ["empty"]


# --- traps -----------------------------------------------------------------------------------------------------------


def rows_of(files: Any, text: str | bytes, name: str = "probes/e1/x.txt") -> dict[str, Any]:
    return dict(read([files({name: text, "y.txt": GOOD})]).rows)


@pytest.mark.parametrize(("wait", "state"), [("1", "not-open"), ("3", "filtered")])
def test_one_unanswered_packet_is_no_silence(files: Any, wait: str, state: str) -> None:
    words = "nc: connect to 10.0.1.12 port 4372 (tcp) timed out: Operation now in progress"
    text = f"$ nc -zv -w {wait} 10.0.1.12 4372\n{words}\n"

    (row,) = rows_of(files, text)["reachability"]

    assert (row.vantage, row.state) == ("e1", state)


def test_the_folder_goes_before_the_prompt(files: Any) -> None:
    text = "root@e2:~# nc -zv 10.0.1.12 4371\nConnection to 10.0.1.12 4371 port [tcp/*] succeeded!\n"

    assert [row.vantage for row in rows_of(files, text, "x.txt")["reachability"]] == ["e2"]
    (files({}) / "x.txt").unlink()
    assert [row.vantage for row in rows_of(files, text)["reachability"]] == ["e1"]


def test_silence_without_its_end_is_no_finding(files: Any) -> None:
    rows = rows_of(files, "e1:~# openssl s_client -connect 10.0.1.13:4372\n")

    assert not rows["reachability"]
    assert "truncated" in {issue.kind for issue in rows["issues"]}


def test_a_session_of_several_tools(files: Any) -> None:
    text = (
        "root@e1:~# nc -zv 10.0.1.12 4371\nConnection to 10.0.1.12 4371 port [tcp/*] succeeded!\n"
        "root@e1:~# telnet 10.0.1.13 4372\nTrying 10.0.1.13...\n"
        "telnet: connect to address 10.0.1.13: Connection refused\n"
        "root@e1:~# openssl s_client -connect 10.0.1.14:4372\nconnect: Connection refused\nconnect:errno=111\n"
        "root@e1:~# curl -u admin:hunter2 -v https://10.0.1.15/\n* Trying 10.0.1.15:443...\n"
        "* connect to 10.0.1.15 port 443 failed: Connection refused\nroot@e1:~# dig x\nzzqq\n"
    )

    rows = rows_of(files, text)

    assert [(row.tool, row.port, row.state) for row in rows["reachability"]] == [
        ("nc", 4371, "open"),
        ("telnet", 4372, "refused"),
        ("openssl s_client", 4372, "refused"),
        ("curl", 443, "refused"),
    ]
    assert [(issue.kind, issue.line) for issue in rows["issues"]] == [("unrecognised", 13)]


@pytest.mark.parametrize("command", ["curl -u a:hunter2 x", "openssl s_client -psk hunter2"])
def test_passwords_of_commands_go_nowhere(files: Any, command: str) -> None:
    rows = read([files({"x.txt": f"e1:~# {command}\n^C\nodd> {command}\n", "y.txt": GOOD})])

    assert "hunter2" not in str(rows.rows) + str([rows.sources[row.source] for row in rows.rows["reachability"]])


def test_udp_that_nobody_refused_is_not_open(files: Any) -> None:
    (row,) = rows_of(files, "Connection to 10.0.1.12 1719 port [udp/*] succeeded!\n")["reachability"]

    assert (row.transport, row.state) == ("udp", "open-or-filtered")


def test_two_handshakes_without_prompts_are_two(files: Any) -> None:
    text = (SAMPLES / "s_client-p3-4371.txt").read_text() + (SAMPLES / "s_client-p4-4371.txt").read_text()

    rows = rows_of(files, text)

    assert [row.verify_code for row in rows["tls_handshakes"]] == [10, 62]
    assert [row.position for row in rows["certificates"]] == [1, 2, 3, 4]
    assert [row.issued_by for row in rows["certificates"]] == [2, None, 4, None]


@pytest.mark.parametrize(
    "line",
    [
        "    Master-Key: 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
        "xx Master-Key: 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
        "odd Resumption PSK: 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF",
        "    0010 - ba 6b 6f 50 33 6f e4 9a-18 a3 20 bb 9d 48 ec 87   .koP3o.... ..H..",
        "zz  0010 - ba 6b 6f 50 33 6f e4 9a-18 a3 20 bb 9d 48 ec 87   .koP3o.... ..H..",
    ],
)
@pytest.mark.parametrize("before", ["CONNECTED(00000003)\n---\n", "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n"])
def test_secrets_of_a_session_go_nowhere(files: Any, before: str, line: str) -> None:
    if line.startswith("zz") and before.startswith("PING"):
        return
    rows = rows_of(files, f"{before}{line}\n")

    assert not re.search(r"445566|6f 50 33", str(rows))


def test_a_doctype_that_declares_is_refused(files: Any) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><nmaprun>&b;</nmaprun>'

    assert [(issue.kind) for issue in rows_of(files, bomb)["issues"]] == ["doctype"]


def test_ports_that_were_only_counted(files: Any) -> None:
    text = (
        '<nmaprun><host starttime="1795372742" endtime="1795372744"><status state="up" reason="reset"/>'
        '<address addr="10.0.1.12" addrtype="ipv4"/><hostnames><hostname name="expc02" type="user"/></hostnames><ports>'
        '<extraports state="closed" count="3"><extrareasons reason="reset" count="3" proto="tcp" '
        'ports="4369-4370,4372"/></extraports><extraports state="filtered" count="9">'
        '<extrareasons reason="no-response" count="9"/></extraports></ports></host></nmaprun>'
    )

    rows = rows_of(files, text)

    assert [(row.target, row.port, row.state) for row in rows["reachability"]] == [
        ("expc02", 4369, "refused"),
        ("expc02", 4370, "refused"),
        ("expc02", 4372, "refused"),
    ]
    assert [issue.kind for issue in rows["issues"]] == ["ignored"]


HANGS = {
    "ss": "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n" + " " * 200_000 + "x\n",
    "curl": "*   Trying 10.0.0.1:1...\n" + "0 " * 100_000 + "\n* connect to " + "a " * 90_000 + "\n",
    "nc": "Connection to 1.1.1.1 1 port [tcp/*] succeeded!\n"
    + "a" * 200_000
    + " [x\nnc: connect to "
    + "a(" * 90_000
    + "\n",
    "telnet": "Trying 10.0.0.1...\ntelnet: " + "a:" * 90_000 + " resolution\n",
    "tnc": "TcpTestSucceeded : True\nWARNING: Ping to " + "a " * 90_000 + "\nA" + " " * 200_000 + "x\n",
    "srv": "SRV connectivity test\n" + "tcp " * 50_000 + "!\n" + "a.1." * 50_000 + "\n",
    "s_client": "CONNECTED(00000003)\n"
    + "error:1:"
    + "a" * 200_000
    + "\n"
    + " " * 200_000
    + "x\nSession-ID"
    + "a0 " * 80_000
    + "\n",
    "nmap": "Nmap scan report for 10.0.0.1\n"
    + "1/tcp "
    + " " * 200_000
    + "\n1 "
    + " " * 200_000
    + "\n|"
    + "_ " * 90_000
    + "\n",
    "gnmap": "Host: 10.0.0.1 ()\tPorts: " + "1/open/tcp, " * 20_000 + "\n",
    "xml": "<nmaprun><host><address addr='10.0.0.1' addrtype='ipv4'/>"
    + "<script id='ssl-cert'>" * 60
    + "<table>" * 90_000,
    "many": "".join(f"nc: connect to 10.0.0.1 port {n} (tcp) failed: Connection refused\n" for n in range(1, 5000)),
}


@pytest.mark.parametrize("name", HANGS)
def test_nothing_hangs(files: Any, name: str) -> None:
    start = time.perf_counter()
    rows = rows_of(files, HANGS[name])

    assert time.perf_counter() - start < 5
    assert "failed" not in {issue.kind for issue in rows["issues"]}


# --- any input -------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *sorted({line for path in INPUTS for line in path.read_text().splitlines() if len(line) < 200}),
        *("4" * 5000, "\u0664\u0663", "1e999", "nan", "-1", "^C", "\x00", "\ufffd", "e1:~# nc -zv 10.0.0.1 4371"),
    ]
)


def account(reader: Reader, data: bytes) -> None:
    """Nothing but rows that fit and issues comes of any bytes."""
    harvest = harvest_of(reader, data)
    for table, rows in harvest.rows.items():
        assert tables.problems(table, tables.frame(table, rows)) == []
        assert all(harvest.sources.at(row.source & 0xFFFFFFFF).line for row in rows)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(st.binary(max_size=400), st.text(max_size=300).map(lambda text: text.encode(errors="replace"))))
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.kind)
def test_any_bytes(reader: Reader, data: bytes) -> None:
    account(reader, data)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=st.lists(WORDS, max_size=30), glue=st.sampled_from(["\n", "\r\n", "\n\n", " "]))
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.kind)
def test_lines_of_samples_in_any_order(reader: Reader, found: list[str], glue: str) -> None:
    account(reader, glue.join(found).encode(errors="replace"))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from(INPUTS), at=st.floats(0, 1), length=st.integers(0, 40), put=st.binary(max_size=20))
def test_samples_with_a_hole(path: Path, at: float, length: int, put: bytes) -> None:
    data = path.read_bytes()
    place = int(at * len(data))
    reader = detect(data)
    account(reader, data[:place] + put + data[place + length :])


def test_no_reader_claims_what_another_prints() -> None:
    for path in INPUTS:
        first = path.read_text().splitlines()[:400]
        claims = {tool.names: tool.claims(first) for tool in ports.TOOLS}
        assert sum(1 for count in claims.values() if count) <= 1 or path.suffix == ".xml", (path.name, claims)
