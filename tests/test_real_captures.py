"""All captures of the given lab as one case, against what `truth.json` says of the network that made them."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import expdiag

P1, P2, P3, P4, NAT, OUTSIDE = "10.77.1.10", "10.77.2.10", "10.77.3.10", "192.168.77.10", "10.77.9.2", "10.77.8.10"
NODES = {P1: "p1", P2: "p2", P3: "p3", P4: "p4", NAT: "p4", OUTSIDE: "c1", "fd77:1::10": "p1", "fd77:2::10": "p2"}
NODES |= {"fd77:3::10": "p3", **{name: name for name in ("p1", "p2", "p3", "p4", "c1")}}
# What the wire of that lab adds by itself: 0.2 ms each way (reference, section 3), more where the way is long
WIRE = {"p3-p4": 0.3}
BLOCKS = [
    "any->p3:4372 silent drop",
    "c1->*:4371 icmp admin-prohibited",
    "c1->*:5061 tcp reset",
    "c1->p2 echo dropped",
    "n1:4372 refused (not forwarded)",
]


@dataclass(frozen=True)
class Given:
    """The case and what is true of it."""

    case: expdiag.Case
    truth: dict[str, Any]

    def rows(self, table: str, *files: str) -> list[Any]:
        """Return the rows of a table, of some files only where they are named."""
        found = self.case.tables.rows(table)
        return [row for row in found if not files or Path(self.case.sources[row.source].file).name in files]

    def states(self, *files: str, port: int | None) -> set[tuple[str, str, str]]:
        """Return address, state and who said so of a port."""
        return {(r.address, r.state, r.said_by) for r in self.rows("reachability", *files) if r.port == port}


@pytest.fixture(scope="module")
def given(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Given:
    captures, case = real / "lab" / "captures", tmp_path_factory.mktemp("case")
    # 0 ping-p1-p2.txt p1: ping -c 10 10.77.2.10
    listed = (captures / "INDEX").read_text()
    stood = dict(re.findall(r"^\d+ (\S+) (\w+): ", listed, re.M))
    for path in captures.iterdir():
        node = stood.get(path.name) or next(iter(re.findall(r"-(p[1-4]|n1)-e?", path.name)), "unknown")
        if path.name not in ("INDEX", "truth.json"):
            (case / "probes" / node).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, case / "probes" / node)
    return Given(expdiag.load(case), json.loads((captures / "truth.json").read_text()))


def test_no_reader_fails_and_nothing_is_lost(given: Given) -> None:
    assert {issue.kind for issue in given.case.all_issues} <= {
        "empty",
        "unrecognised",
        "unassigned",
        "question",
        "truncated",
        "untrusted",
        "cut-packets",
        "vantage",
    }
    assert {row.file.rpartition("/")[2] for row in given.rows("files") if row.kind == "unrecognised"} == {
        "r1-ip-addr.txt",
        "tcpdump-p1.stderr.txt",
    }


@pytest.mark.parametrize("path", ["p1-p2", "p1-p3", "p1-p4", "p2-p3", "p2-p4", "p3-p4"])
def test_base_round_trip(given: Given, path: str) -> None:
    """Within 1 ms; only what is forwarded measures the host behind the NAT, echoes and other ports end there."""
    shortest = [
        run.min
        for run in given.rows("round_trips")
        if run.min is not None
        and {NODES.get(run.vantage), NODES.get(run.address)} == set(path.split("-"))
        and (run.address != NAT or run.port == 4371)
        and "tls-n1-in" not in given.case.sources[run.source].file  # its echoes begin at the NAT
    ]

    true = given.truth["base_rtt_ms"][path]
    assert true - 0.1 <= min(shortest) <= true + 1 + WIRE.get(path, 0.0)


def test_the_nat_is_found(given: Given) -> None:
    """`p4 192.168.77.10 appears as 10.77.9.2 outbound; 10.77.9.2:4371 -> p4`."""
    translated = {
        (row.client, row.client_there, row.server, row.server_there)
        for row in given.rows("matched_connections")
        if row.translated and row.port == 4371
    }

    assert translated == {
        *((P4, NAT, peer, peer) for peer in (P1, P2, P3)),
        *((peer, peer, NAT, P4) for peer in (P1, P2, P3)),
    }


def test_the_truth_names_these_blocks(given: Given) -> None:
    assert given.truth["blocked"] == BLOCKS


def test_a_silent_drop_is_found(given: Given) -> None:
    for file in ("tls-p1-e0.pcap", "tls-p2-e0.pcap", "nmap-inside.xml", "nmap-outside.xml"):
        assert (P3, "filtered", "") in given.states(file, port=4372), file


def test_a_prohibition_is_found_with_its_address(given: Given) -> None:
    router = "10.77.8.1"
    outside = given.states("nmap-outside.xml", port=4371)

    assert outside == {(address, "prohibited", router) for address in (P1, P2, P3, NAT)}
    assert (P1, "prohibited", router) in given.states("nping-c1-prohibited.txt", port=4371)
    assert (P1, "prohibited", router) in given.states("traceroute-c1-4371-X.txt", port=None)


def test_a_reset_by_a_router_is_found(given: Given) -> None:
    resets = [row for row in given.rows("reachability", "nmap-outside.xml") if row.port == 5061]

    assert {(row.address, row.state) for row in resets} == {(a, "refused") for a in (P1, P2, P3, NAT)}
    assert all("nearer than other ports" in row.detail for row in resets)


def test_dropped_echoes_are_found(given: Given) -> None:
    (run,) = given.rows("round_trips", "ping-c1-p2-blocked.txt")

    assert (run.vantage, run.address, run.answered, run.loss) == ("c1", P2, 0, 1.0)


@pytest.mark.parametrize("file", ["tls-p1-e0.pcap", "tls-n1-out.pcap", "hping3-refused.txt", "nping-tcp-connect.txt"])
def test_a_port_that_is_not_forwarded_is_refused(given: Given, file: str) -> None:
    assert {(NAT, "refused", NAT)} == {state for state in given.states(file, port=4372) if state[0] == NAT}


def test_both_bad_certificates_are_found(given: Given) -> None:
    """`p3: expired yesterday, p4: wrong name old-name.lab.test`."""
    presented = {row.common_name: row for row in given.rows("certificates") if row.role == "presented"}
    seen = given.rows("captures", "tls-p1-e0.pcap")[0].last_time
    said = {row.verify_code for row in given.rows("tls_handshakes") if row.verify_code}

    assert {name for name, row in presented.items() if row.not_after < seen} == {"expc03.lab.test"}
    assert "old-name.lab.test" in presented
    assert "expc04.lab.test" not in presented["old-name.lab.test"].dns_names
    assert {10, 62} <= said
    assert presented["expc03.lab.test"].fingerprint in {
        fingerprint
        for row in given.rows("tls_handshakes", "tls-p1-e0.pcap", "tls-p2-e0.pcap")
        for fingerprint in row.server_certificates or ()
    }
