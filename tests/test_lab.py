"""A real network against what is read of it: delays, paths, blocks, NAT, certificates and names are as they were laid.

`tests/lab` builds it and says what is true; nothing here is written down a second time.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from itertools import permutations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import expdiag
from expdiag import knowledge
from tests.again import Runs
from tests.lab import launch, plan, probes
from tests.lab.plan import BLOCKS, EXPIRED, LOSSY, MISNAMED, NAT, NOBODY, ONLY_TLS13, OUTSIDE, PEERS, node_at
from tests.lab.probes import Probe
from tests.lab.services import ALIAS, COLLAB_EDGE, DANGLING, SIPS, fqdn

# What routers, hosts and tools take beyond the delays that are laid and what the wires say they were late, ms
TOLERANCE = 1.0
ROUNDING = 0.06
LIMIT = knowledge.load("limits")["round_trip"][0]["upto_ms"]


@dataclass(frozen=True)
class Lab:
    """What is read of the lab, and what its routers and wires counted."""

    case: expdiag.Case
    truth: dict[str, Any]

    @cached_property
    def _by_file(self) -> dict[tuple[str, str], list[Any]]:
        found = defaultdict(list)
        for table in self.case.tables:
            if table not in ("files", "issues", "fields"):
                for row in self.case.tables.rows(table):
                    found[table, self.case.sources[row.source].file].append(row)
        return found

    def rows(self, table: str, probe: Probe) -> list[Any]:
        """Return the rows of one probe."""
        return self._by_file[table, f"probes/{probe.path}"]

    def captured(self, table: str, ending: str) -> list[Any]:
        """Return the rows of one capture."""
        return [row for (name, file), rows in self._by_file.items() if name == table and ending in file for row in rows]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs[Lab]:
    if reason := launch.missing():
        pytest.skip(reason)

    def run(number: int) -> Lab:
        folder = tmp_path_factory.mktemp(f"lab-{number}")
        launch.run(folder)
        return Lab(expdiag.load(folder / "case"), json.loads((folder / "truth.json").read_text()))

    return Runs(run)


@pytest.fixture(scope="module")
def lab(runs: Runs[Lab]) -> Lab:
    """Return the first run of the lab; tests that fail with it are tried again with another (see `tests.again`)."""
    return runs[0]


def each(found: list[Probe], known: dict[str, str] | None = None) -> pytest.MarkDecorator:
    """Return a test of each probe; `known` says what is wrong with the reading of some of them."""
    reasons = known or {}
    marks = {path: [pytest.mark.xfail(reason=reason, strict=True)] for path, reason in reasons.items()}
    return pytest.mark.parametrize("probe", [pytest.param(p, id=p.path, marks=marks.get(p.path, ())) for p in found])


def named(*words: str) -> list[Probe]:
    """Return the probes of paths whose names begin with one of these words."""
    return [probe for probe in probes.paths() if probe.name.startswith(words)]


def assert_length(lab: Lab, measured: float | None, start: str, end: str, extra: float = 0.0) -> None:
    true = plan.round_trip(start, end)
    late = plan.crossings(start, end) * lab.truth["wire"]["late_ms"]
    assert measured is not None
    assert true - ROUNDING <= measured <= true + late + TOLERANCE + plan.jitter(start, end) + extra


def test_the_wires_are_prompt(lab: Lab) -> None:
    assert lab.truth["wire"]["late_ms"] < TOLERANCE / 10
    assert lab.truth["wire"]["carried"] > 5000


# --- everything ---------------------------------------------------------------------------------------------------


EVERY = [
    *probes.round_trips(),
    *probes.paths(),
    *probes.connections(),
    *probes.scans(),
    *probes.handshakes(),
    *probes.lookups(),
]


def test_nothing_is_left_over(lab: Lab) -> None:
    expected = {
        ("probes/e1/ping-nobody.txt", "unmatched"),  # it pings an address that nobody has
    }
    issues = [issue for issue in lab.case.all_issues if not is_of_nmap(issue)]

    assert {issue for issue in issues if (issue.file, issue.kind) not in expected} == set()


def test_a_probe_is_nobody_elses_export(lab: Lab) -> None:
    for table in ("certificates", "firewall_rules"):
        for row in lab.case.tables[table].itertuples():
            top, _, rest = lab.case.sources[row.source].file.partition("/")
            assert top != "probes" or row.peer is pd.NA or row.peer == rest.partition("/")[0]


def test_every_probe_came_to_its_end(lab: Lab) -> None:
    asked = {probe.path for probe in [*EVERY, *probes.rulesets()]}

    assert {path for path, code in lab.truth["codes"].items() if code == 124} == set()
    assert set(lab.truth["codes"]) == asked


def is_of_nmap(issue: Any) -> bool:
    """Whether a capture complains of what nmap sends to UDP ports, which is not always what belongs there."""
    return ".pcap" in issue.file and "datagrams on UDP" in issue.text


@each(EVERY)
def test_every_row_knows_where_it_was_measured(lab: Lab, probe: Probe) -> None:
    tables = ("round_trips", "traces", "reachability", "dns_queries", "tls_handshakes")

    rows = [row for table in tables for row in lab.rows(table, probe)]

    assert {row.vantage for row in rows} == {probe.vantage}


# --- round trips --------------------------------------------------------------------------------------------------


SILENT = [(OUTSIDE, plan.address("e2")), ("e1", NOBODY)]
MEASURED = [
    p
    for p in [*probes.round_trips(), *named("ping", "mtr"), *probes.connections()]
    if (p.vantage, p.targets[0]) not in SILENT
]


@each(MEASURED)
def test_base_round_trip(lab: Lab, probe: Probe) -> None:
    runs = {run.address or run.target: run for run in lab.rows("round_trips", probe)}

    assert set(runs) == set(probe.targets)
    for target, run in runs.items():
        assert run.sent == probe.count
        assert_length(lab, run.min, probe.vantage, node_at(target))


@each(MEASURED)
def test_nothing_is_lost_where_nothing_drops(lab: Lab, probe: Probe) -> None:
    lossy = probe.vantage in (OUTSIDE, node_at(LOSSY.source)) and "mtr" not in probe.name
    for run in lab.rows("round_trips", probe):
        if not (lossy and (run.address == LOSSY.destination or probe.vantage == OUTSIDE)):
            assert (run.answered, run.loss) == (run.sent, 0.0)


def test_every_lost_probe_is_counted(lab: Lab) -> None:
    runs = [
        run
        for probe in probes.round_trips()
        for run in lab.rows("round_trips", probe)
        if (run.vantage, run.address) == (node_at(LOSSY.source), LOSSY.destination)
    ]

    dropped = lab.truth["counted"][LOSSY.rule]
    assert sum(run.sent - run.answered for run in runs) == dropped
    assert (
        sum(row.outcome == "lost" for row in lab.case.tables.rows("probes") if row.run in {r.source for r in runs})
        == dropped
    )
    assert dropped == sum(run.sent for run in runs) // 6


def test_the_wires_lose_what_is_lost_outside(lab: Lab) -> None:
    lost = [
        run.sent - run.answered
        for probe in MEASURED
        if probe.vantage == OUTSIDE
        for run in lab.rows("round_trips", probe)
    ]

    assert sum(lost) <= lab.truth["wire"]["lost"]


@pytest.mark.parametrize(("vantage", "target"), SILENT)
def test_what_is_never_answered(lab: Lab, vantage: str, target: str) -> None:
    (probe,) = [p for p in probes.round_trips() if (p.vantage, p.targets) == (vantage, (target,))]
    (run,) = lab.rows("round_trips", probe)
    said = Counter(row.outcome for row in lab.rows("probes", probe))

    assert (run.sent, run.answered, run.loss, run.min, run.p95) == (probe.count, 0, 1.0, None, None)
    if target == NOBODY:
        assert said == {"error": probe.count}
        assert all(plan.hops("e1", "wan")[0] != row.detail for row in lab.rows("probes", probe))
        assert all(plan.own_address("wan", "to-a") in row.detail for row in lab.rows("probes", probe))


# --- verdicts -----------------------------------------------------------------------------------------------------


def test_delay_verdicts(lab: Lab) -> None:
    found = expdiag.check(lab.case).frame
    verdicts = {
        tuple(row.peers): (row.outcome, row.measured) for row in found[found.rule == "round-trip-delay"].itertuples()
    }

    pairs = [(a, b) for i, a in enumerate(PEERS) for b in PEERS[i + 1 :]]
    wanted = {pair: "violation" if plan.round_trip(*pair) > LIMIT else "pass" for pair in pairs}
    assert {pair: verdicts[pair][0] for pair in pairs} == wanted, list(found[found.rule == "round-trip-delay"].reason)
    assert {outcome for outcome, _ in verdicts.values()} == {"violation", "pass"}
    assert all(measured >= plan.round_trip(*pair) for pair, (_, measured) in verdicts.items())


def test_translation_between_peers_is_found(lab: Lab) -> None:
    found = expdiag.check(lab.case).frame
    verdicts = {tuple(row.peers): row.outcome for row in found[found.rule == "no-nat-between-peers"].itertuples()}

    # Whoever connects to it meets another address than its own, and whom it connects to sees another one
    assert {pair for pair, outcome in verdicts.items() if outcome == "violation"} == {
        pair for pair in permutations(PEERS, 2) if NAT.host in pair
    }


# --- paths --------------------------------------------------------------------------------------------------------


WHOLE = [
    p
    for p in named("traceroute", "tracepath", "mtr")
    if not p.name.endswith(("drop.txt", "nobody.txt", "prohibited.txt"))
]


def answers(lab: Lab, probe: Probe, *outcomes: str) -> list[str]:
    """Return who answered so at each distance; a hop that answers from two addresses gives both."""
    by_ttl: dict[int, set[str]] = defaultdict(set)
    for hop in lab.rows("hops", probe):
        by_ttl[hop.ttl] |= {hop.address} if hop.outcome in outcomes else set()
    return [" ".join(sorted(by_ttl[ttl])) for ttl in sorted(by_ttl)]


@each(WHOLE)
def test_path(lab: Lab, probe: Probe) -> None:
    (target,) = probe.targets
    (trace,) = lab.rows("traces", probe)
    hops = plan.hops(probe.vantage, node_at(target), version=6 if ":" in target else 4)

    assert answers(lab, probe, "answered") == hops
    assert (trace.complete, trace.address or target) == (True, target)
    if trace.tool == "mtr" and probe.name.endswith(".txt"):  # a report does not tell which address it was for
        assert trace.reached is not False
    else:
        # From outside, the router that translates answers with the address of the host behind it
        assert (trace.reached, trace.hops) in [(True, len(hops)), (True, None if NAT.public in hops else len(hops))]


@each([p for p in WHOLE if not p.name.startswith("tracepath")])
def test_how_far_each_hop_is(lab: Lab, probe: Probe) -> None:
    (target,) = probe.targets
    on_the_way = plan.nodes(probe.vantage, node_at(target))
    shortest: dict[int, float] = {}
    for hop in lab.rows("hops", probe):
        rtt = hop.min if hop.rtt is None else hop.rtt
        if rtt is not None:
            shortest[hop.ttl] = min(rtt, shortest.get(hop.ttl, rtt))

    assert len(shortest) == len(on_the_way)
    for ttl, node in enumerate(on_the_way, start=1):
        # All probes of traceroute go at once, so the first ones wait for the address resolution of each link
        extra = plan.round_trip(probe.vantage, node) + 3 if probe.name.startswith("traceroute") else 0
        assert_length(lab, shortest[ttl], probe.vantage, node, extra)


@each(named("tracepath"))
def test_path_mtu(lab: Lab, probe: Probe) -> None:
    (trace,) = lab.rows("traces", probe)

    assert trace.path_mtu == plan.path_mtu(probe.vantage, node_at(probe.targets[0]))


def test_a_path_that_ends_in_silence(lab: Lab) -> None:
    (probe,) = named("traceroute-drop")
    (trace,) = lab.rows("traces", probe)

    assert answers(lab, probe, "answered") == [*plan.hops("e1", "e3")[:-1], "", "", ""]
    assert (trace.reached, trace.hops) == (False, None)


@pytest.mark.parametrize(
    ("name", "mark", "before", "said_by"),
    [
        ("traceroute-nobody", "!H", [plan.own_address("ra", "pe1")], plan.own_address("wan", "to-a")),
        ("traceroute-prohibited", "!X", [plan.own_address("wan", "internet")], plan.own_address("wan", "internet")),
    ],
)
def test_a_path_that_a_router_ends(lab: Lab, name: str, mark: str, before: list[str], said_by: str) -> None:
    (probe,) = named(name)
    (trace,) = lab.rows("traces", probe)
    refusals = [hop for hop in lab.rows("hops", probe) if mark in hop.detail]

    assert answers(lab, probe, "answered", "error") == [*before, said_by]
    assert (trace.reached, trace.hops) == (False, None)
    assert {(hop.ttl, hop.address, hop.outcome) for hop in refusals} == {(len(before) + 1, said_by, "error")}
    assert len(refusals) == 3


# --- ports --------------------------------------------------------------------------------------------------------


@each(probes.scans())
def test_every_block_is_found_with_its_kind_and_who_said_it(lab: Lab, probe: Probe) -> None:
    transport = "udp" if "udp" in probe.name else "tcp"
    ports = probes.UDP_PORTS if transport == "udp" else probes.TCP_PORTS
    ports = (4372,) if "s_client" in probe.name else ports
    rows = lab.rows("reachability", probe)

    found = {(row.address or row.target, row.port): (row.state, row.said_by) for row in rows if row.port}
    true = {(t, port): plan.port_state(probe.vantage, t, port, transport) for t in probe.targets for port in ports}
    assert {row.transport for row in rows if row.port} == {transport}
    assert {place: state for place, (state, _) in found.items()} == {place: state for place, (state, _) in true.items()}
    if probe.name.endswith(".xml"):  # only there nmap tells who
        routers = {place: who for place, (_, who) in found.items() if who and who != place[0]}
        assert routers == {place: who for place, (_, who) in true.items() if who}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.rule)
def test_every_block_is_in_the_rules(lab: Lab, block: plan.Block) -> None:
    answer = {"drop": ("drop", ""), "reset": ("reject", "tcp-reset")}.get(block.answer.partition(" ")[0])
    number = BLOCKS.index(block)
    (rule,) = [
        row
        for row in lab.case.tables.rows("firewall_rules")
        if row.device == block.node and f"block {number}" in lab.case.sources[row.source].text
    ]
    transport, _, port = block.what.replace("echo", "icmp").partition(" ")

    assert (rule.family, rule.chain) == ("ipv6" if block.family == "ip6" else "ipv4", "across")
    assert (rule.action, rule.target) == (answer or ("reject", rule.target))
    assert "admin-prohibited" in rule.target or block.answer != "admin-prohibited"
    assert (rule.interface, rule.transport, rule.ports) == (block.interface, transport, port)
    assert [network and str(ip_network(network)[0]) for network in (rule.source_network, rule.destination_network)] == [
        block.source,
        block.destination,
    ]
    assert rule.packets == lab.truth["counted"][block.rule]
    assert bool(rule.conditions) == (block.what == "echo")


def test_the_nat_is_in_the_rules(lab: Lab) -> None:
    rules = [row for row in lab.case.tables.rows("firewall_rules") if row.device == NAT.node]

    assert {row.out_interface for row in rules if row.action == "masquerade"} == {NAT.outside}
    forwards = [row for row in rules if row.action == "dnat"]
    assert {(row.interface, row.target) for row in forwards} == {(NAT.outside, f"to {NAT.private}")}
    assert {row.ports for row in forwards if row.transport == "tcp"} == {",".join(map(str, NAT.ports))}


def test_every_block_was_met(lab: Lab) -> None:
    assert all(lab.truth["counted"][block.rule] for block in BLOCKS)


# --- certificates -------------------------------------------------------------------------------------------------


def own(lab: Lab) -> dict[str, Any]:
    """Return the certificate each peer's export holds."""
    frame = lab.case.tables["certificates"]
    return {row.peer: row for row in frame[frame.role == "server"].itertuples()}


def test_both_bad_certificates_are_in_the_exports(lab: Lab) -> None:
    certificates = own(lab)

    assert set(certificates) == set(PEERS)
    assert {peer for peer, row in certificates.items() if row.not_after < lab.case.as_of} == {EXPIRED}
    assert {peer for peer, row in certificates.items() if fqdn(peer) not in row.dns_names} == {MISNAMED}


def test_what_is_presented_is_what_the_exports_hold(lab: Lab) -> None:
    frame = lab.case.tables["certificates"]

    assert set(frame[frame.role == "presented"].fingerprint) >= {row.fingerprint for row in own(lab).values()}
    assert set(frame.role) == {"server", "ca", "presented"}


@each([p for p in probes.handshakes() if p.targets])
def test_handshake(lab: Lab, probe: Probe) -> None:
    (target,) = probe.targets
    start, end = probe.vantage, node_at(target)
    (shake,) = lab.rows("tls_handshakes", probe)
    refused = start == EXPIRED and end != ONLY_TLS13  # with TLS 1.3 the client is done before it is told

    assert (shake.server, shake.port) == (target, 4371)
    assert shake.version == ("TLSv1.3" if end == ONLY_TLS13 else "TLSv1.2")
    assert shake.verify_code == {EXPIRED: 10, MISNAMED: 62}.get(end, 0)
    assert shake.server_certificates[0] == own(lab)[end].fingerprint
    wanted = ("alert", "certificate_expired", "server") if refused else ("completed", "", "")
    assert (shake.outcome, shake.alert, shake.alert_from) == wanted


def test_a_handshake_without_a_certificate(lab: Lab) -> None:
    (probe,) = [p for p in probes.handshakes() if not p.targets]
    (shake,) = lab.rows("tls_handshakes", probe)

    assert (shake.outcome, shake.alert, shake.alert_from) == ("alert", "handshake_failure", "server")
    assert shake.client_certificate == "requested"


# --- names --------------------------------------------------------------------------------------------------------


def question(lab: Lab, name: str) -> tuple[Any, list[Any]]:
    """Return the first question of a lookup, and the answers of all its questions."""
    (probe,) = [p for p in probes.lookups() if p.name == f"{name}.txt"]
    records = [row for row in lab.rows("dns_records", probe) if row.section == "answer"]
    return lab.rows("dns_queries", probe)[0], records


def values(records: list[Any], kind: str) -> set[str]:
    return {row.value for row in records if row.type == kind}


E2_BOTH = {"A": {plan.address("e2")}, "AAAA": {plan.address("e2", 6)}}
E3_BOTH = {"A": {plan.address("e3")}, "AAAA": {plan.address("e3", 6)}}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("dig-a", {"A": {plan.address("e2")}}),
        ("dig-aaaa", {"AAAA": {plan.address("e3", 6)}}),
        ("dig-cluster", {"A": {plan.reached_at(peer, plan.DNS) for peer in PEERS}}),
        ("dig-ptr", {"PTR": {fqdn("e2")}}),
        ("dig-ptr6", {"PTR": {fqdn("e3")}}),
        ("dig-cname", {"CNAME": {fqdn("e1")}, "A": {plan.address("e1")}}),
        ("dig-tcp", {"A": {NAT.public}}),
        ("host-a", E2_BOTH),
        ("host-ptr", {"PTR": {fqdn("e3")}}),
        ("nslookup-a", E3_BOTH),
        ("nslookup-ptr", {"PTR": {fqdn("e1")}}),
    ],
)
def test_names_lead_where_they_were_laid(lab: Lab, name: str, wanted: dict[str, set[str]]) -> None:
    query, records = question(lab, name)

    assert query.status == "NOERROR"
    assert {kind: values(records, kind) for kind in wanted} == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("dig-srv", {(fqdn(peer), plan.SIP_TLS, 10, int(peer[1])) for peer in PEERS}),
        ("host-srv", {(fqdn(peer), plan.SIP_TLS, 10, int(peer[1])) for peer in PEERS}),
        ("dig-srv-edge", {(fqdn("e3"), 8443, 20, 5)}),
        ("nslookup-srv", {(fqdn("e3"), 8443, 20, 5)}),
        ("dig-srv-dangling", {(f"missing.{plan.DOMAIN}", 8443, 20, 5)}),
    ],
)
def test_services(lab: Lab, name: str, wanted: set[tuple[str, int, int, int]]) -> None:
    query, records = question(lab, name)

    assert query.status == "NOERROR"
    assert {(row.value, row.port, row.priority, row.weight) for row in records if row.type == "SRV"} == wanted


@pytest.mark.parametrize(
    ("name", "status", "server"),
    [
        ("dig-nx", "NXDOMAIN", plan.address(plan.DNS)),
        ("host-nx", "NXDOMAIN", None),
        ("nslookup-nx", "NXDOMAIN", plan.address(plan.DNS)),
        ("dig-elsewhere", "REFUSED", plan.address(plan.DNS)),
        ("dig-timeout", "TIMEOUT", plan.address("e3")),
        ("dig-refused", "CONNECTION-REFUSED", plan.address("e2")),
        ("dig-srv-none", "NOERROR", plan.address(plan.DNS)),
    ],
)
def test_lookups_that_give_nothing(lab: Lab, name: str, status: str, server: str | None) -> None:
    query, records = question(lab, name)

    assert (query.status, records) == (status, [])
    assert server is None or query.server == server


def test_the_names_of_services_are_those_that_were_asked(lab: Lab) -> None:
    asked = {"dig-srv": SIPS, "dig-srv-edge": COLLAB_EDGE, "dig-srv-dangling": DANGLING, "dig-cname": ALIAS}

    assert {name: question(lab, name)[0].name for name in asked} == asked


# --- captures -----------------------------------------------------------------------------------------------------


def ends_of(rows: list[Any]) -> set[tuple[str, str]]:
    return {(row.client, row.server) for row in rows if row.port == 4371}


def test_both_sides_of_the_nat_show_the_same_handshakes(lab: Lab) -> None:
    inside, outside = (ends_of(lab.captured("tls_handshakes", f"nc/{side}.pcap")) for side in ("inside", "outside"))

    def translated(address: str) -> str:
        return NAT.public if address == NAT.private else address

    others = [plan.address(peer) for peer in PEERS if peer != NAT.host]
    assert inside == {(NAT.private, other) for other in others} | {(other, NAT.private) for other in others}
    assert {(translated(client), translated(server)) for client, server in inside} == outside


@pytest.mark.parametrize("place", ["e1", "e3"])
def test_certificates_in_a_capture(lab: Lab, place: str) -> None:
    shakes = [row for row in lab.captured("tls_handshakes", f"tcpdump00_{place}_") if row.port == 4371]
    mine = [row for row in shakes if row.client == plan.address(place) and row.client_certificate != "requested"]

    assert {node_at(row.server) for row in mine} == set(PEERS) - {place}
    for row in mine:
        server = node_at(row.server)
        hidden = server == ONLY_TLS13
        leaf = row.server_certificates[0] if row.server_certificates else None
        assert leaf == (None if hidden else own(lab)[server].fingerprint)
        assert row.version == ("TLSv1.3" if hidden else "TLSv1.2")


@pytest.mark.parametrize("place", ["e1", "e3"])
def test_an_expired_client_is_turned_away_in_a_capture(lab: Lab, place: str) -> None:
    shakes = lab.captured("tls_handshakes", f"tcpdump00_{place}_")
    (turned_away,) = [row for row in shakes if (row.client, row.server) == (plan.address(EXPIRED), plan.address(place))]

    assert (turned_away.outcome, turned_away.alert) == ("alert", "certificate_expired")
    assert turned_away.client_certificates[0] == own(lab)[EXPIRED].fingerprint


PLACES = [("e1", "tcpdump00_e1_"), ("e3", "tcpdump00_e3_"), ("nc", "nc/inside.pcap"), ("nc", "nc/outside.pcap")]


@pytest.mark.parametrize(("place", "ending"), PLACES)
def test_echoes_in_a_capture(lab: Lab, place: str, ending: str) -> None:
    shortest: dict[str, float] = {}
    for echo in lab.captured("echoes", ending):
        if echo.outcome == "answered" and ":" not in echo.server:
            shortest[echo.server] = min(echo.rtt, shortest.get(echo.server, echo.rtt))

    assert set(PEERS) <= {node_at(server) for server in shortest}
    for server, rtt in shortest.items():
        assert_length(lab, rtt, place, node_at(server))


@pytest.mark.parametrize(("place", "ending"), PLACES)
def test_halves_of_a_connection_in_a_capture(lab: Lab, place: str, ending: str) -> None:
    shortest: dict[tuple[str, str], tuple[float, float]] = {}
    for row in lab.captured("connections", ending):
        if row.port == 4371 and row.rtt is not None and {node_at(row.client), node_at(row.server)} <= set(PEERS):
            far, near = shortest.get((row.client, row.server), (row.far_half, row.near_half))
            shortest[row.client, row.server] = min(far, row.far_half), min(near, row.near_half)

    through = {
        (a, b) for a, b in permutations(PEERS, 2) if place in (a, b, "nc") and (place != "nc" or NAT.host in (a, b))
    }
    assert {(node_at(client), node_at(server)) for client, server in shortest} == through
    for (client, server), (far, near) in shortest.items():
        assert_length(lab, far, place, node_at(server))
        assert_length(lab, near, place, node_at(client))


def test_who_prohibits_in_a_capture(lab: Lab) -> None:
    said = {
        (row.said_by, row.server, row.port)
        for row in lab.captured("icmp_errors", "tcpdump00_e1_")
        if "prohibited" in row.message
    }

    assert said == {(plan.own_address("rb", "core", 6), plan.address("e3", 6), 5061)}


# --- the lab itself -----------------------------------------------------------------------------------------------


def test_why_it_cannot_run_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool == "mtr" else f"/usr/bin/{tool}")
    assert launch.missing() == "the lab needs mtr (mtr-tiny)"

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert launch.missing() == "the lab needs root on Linux: it makes network namespaces"


def test_what_it_needs_is_installed_where_nothing_may_skip() -> None:
    installed = (launch.ROOT / ".ci" / "run").read_text().split()

    assert set(launch.TOOLS.values()) - set(installed) == set()


def inhabitants(space: str) -> list[int]:
    """Return the processes in a process namespace."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and os.readlink(entry / "ns" / "pid") == space:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


STARTER = """
import pathlib, sys
from tests.again import Runs
from tests.lab import launch
with launch.started(pathlib.Path(sys.argv[1])) as lab:
    for line in lab.stdout:
        print(lab.pid, line, end="", flush=True)
"""


@pytest.mark.parametrize("killed", ["the lab", "who started it"])
def test_nothing_is_left_when_it_is_killed(tmp_path: Path, killed: str) -> None:
    if reason := launch.missing():
        pytest.skip(reason)
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "lab")], cwd=launch.ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert starter.stdout
        lab, *said = starter.stdout.readline().split()
        assert said[-1] == "up"
        (first,) = Path(f"/proc/{lab}/task/{lab}/children").read_text().split()
        space = os.readlink(f"/proc/{first}/ns/pid")
        assert len(inhabitants(space)) > len(plan.NODES)
        os.kill(int(lab) if killed == "the lab" else starter.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while inhabitants(space) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        starter.kill()
        starter.communicate()

    assert inhabitants(space) == []
    assert not any((Path("/run/netns") / node.name).exists() for node in plan.NODES)
