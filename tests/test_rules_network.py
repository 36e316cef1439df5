"""Rules of the network: each passing, violating, unknown, not applicable; and that no other rule changes its mind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import expdiag
from expdiag.findings import PASS, UNKNOWN, VIOLATION
from expdiag.scenarios import network
from expdiag.scenarios.network import rest_rules, scan, tried
from expdiag.scenarios.spec import AlarmSpec, ClusterSpec, healthy
from tests.judging import Outcomes, changed, outcomes

ALL = ("e1", "e2", "e3")
Change = Callable[[ClusterSpec], ClusterSpec]
IPV6 = {f"e{n}": f"2001:db8:1::{n}" for n in (1, 2, 3)}


def peer(host: str, **fields: object) -> Change:
    return lambda cluster: cluster.changed(host, **fields)


def files(**contents: str) -> Change:
    return lambda cluster: cluster.with_files(contents)


def named(path: str, text: str) -> Change:
    return lambda cluster: cluster.with_files({path: text})


def both(*changes: Change) -> Change:
    def change(cluster: ClusterSpec) -> ClusterSpec:
        for one in changes:
            cluster = one(cluster)
        return cluster

    return change


def rules(host: str, *allowed: str, **numbers: int) -> Change:
    return named(f"rest/{host}/{network.REST_RULES}", rest_rules(allowed, **numbers))


def probe(start: str, end: int, **states: str) -> Change:
    spec = next(p for p in healthy().peers if p.host_name == start)
    return named(f"probes/{start}/ports-e{end}.txt", tried(spec, f"10.0.1.{10 + end}", **states))


def alarm(number: int, title: str, detail: str) -> tuple[AlarmSpec, ...]:
    return (AlarmSpec(number, "", title, detail),)


def dual_stack(cluster: ClusterSpec) -> ClusterSpec:
    """Let every peer have IPv6, too, and let the rules know it."""
    for spec in cluster.peers:
        cluster = cluster.changed(spec.host_name, ipv6=IPV6[spec.host_name])
    return cluster


def mapped(name: str, address: str) -> Change:
    return lambda cluster: replace(cluster, mapping={**cluster.mapping, name: address})


NO_TCP = "Unable to establish a TCP connection with 10.0.1.12 on ports 4371,4372"
E2 = healthy().peers[1].fqdn

# what is changed in the healthy cluster; the outcomes that become others, by rule and subject; who is at fault
FAULTS: dict[str, tuple[Change, Outcomes, tuple[str, ...]]] = {
    "R06 IPv6 on all, each its own": (dual_stack, {("R06", ALL): PASS}, ()),
    "R06 one IPv6 address twice": (
        both(dual_stack, peer("e3", ipv6=IPV6["e1"])),
        {("R06", ALL): VIOLATION, **{("R33", (p,)): VIOLATION for p in ALL}},
        ALL,
    ),
    "R06 no address where it is on": (
        both(dual_stack, peer("e3", ipv6="", settings={"IPProtocol": "Both"}, state={"IP Protocol": "Both"})),
        {("R06", ALL): VIOLATION},
        ("e3",),
    ),
    "R09 no route": (
        both(
            probe("e1", 2, p4371="unreachable", p4372="unreachable", p1719="unreachable"),
            named("probes/e1/ping-e2.txt", ""),
        ),
        {("R09", ("e1", "e2")): VIOLATION, ("R11", ("e1", "e2")): UNKNOWN},
        (),
    ),
    "R09 the device says so": (
        peer("e1", alarms=alarm(20021, "Cluster communication failure", NO_TCP)),
        {("R09", ("e1", "e2")): VIOLATION},
        (),
    ),
    "R10 the mapping leads to static NAT": (
        mapped(E2, "203.0.113.12"),
        {
            **{("R10", (p, "e2")): VIOLATION for p in ("e1", "e3")},
            ("R19", ("e2",)): VIOLATION,
            ("R40", ("e2",)): VIOLATION,
            ("R41", ALL): VIOLATION,
        },
        ("e1", "e2", "e3"),
    ),
    "R11 one port filtered": (probe("e1", 2, p4371="filtered"), {("R11", ("e1", "e2")): VIOLATION}, ()),
    "R11 one port refused": (probe("e3", 1, p4372="refused"), {("R11", ("e3", "e1")): VIOLATION}, ()),
    "R11 RAS refused": (probe("e3", 1, p1719="refused"), {("R11", ("e3", "e1")): VIOLATION}, ()),
    "R11 an alarm beside the filter": (
        both(
            probe("e1", 2, p4371="filtered", p4372="filtered"),
            peer("e1", alarms=alarm(20021, "Cluster communication failure", NO_TCP)),
        ),
        {("R11", ("e1", "e2")): VIOLATION},
        (),
    ),
    "R12 open from outside": (
        named("probes/outside/ports-e2.txt", scan("203.0.113.12", "filtered", "open")),
        {("R12", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "R27 no rules at all": (named(f"rest/e2/{network.REST_RULES}", "[]"), {("R27", ("e2",)): VIOLATION}, ("e2",)),
    "R27 a whole network": (
        rules("e2", "10.0.1.11", "10.0.1.13", "198.51.100.7"),
        {("R27", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "R27 the device says so": (
        peer("e2", alarms=alarm(40034, "Security alert", "rules with duplicated priorities")),
        {("R27", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "R28 one peer missing": (rules("e2", "10.0.1.11"), {("R28", ("e2",)): VIOLATION}, ("e2",)),
    "R28 taken literally: drop 10, allow 20": (
        rules("e2", "10.0.1.11", "10.0.1.13", drop=10),
        {("R28", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "R28 the addresses of static NAT": (
        rules("e2", "203.0.113.11", "203.0.113.13"),
        {("R28", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "E09 the external setting at its default": (
        peer("e2", settings={"IP External Interface": "LAN1"}),
        {("E09", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "E10 static NAT on LAN 1": (
        peer("e2", static_nat={1: "203.0.113.22", 2: "203.0.113.12"}),
        {("E10", ("e2",)): VIOLATION},
        ("e2",),
    ),
    "E10 subnets that overlap": (
        peer("e2", settings={"Ethernet 2 IP V4 SubnetMask": "255.255.0.0"}),
        {("E10", ("e2",)): VIOLATION},
        ("e2",),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_its_rules_and_no_other(case_of, name: str) -> None:
    change, expected, at_fault = FAULTS[name]
    sound = outcomes(case_of(healthy()))

    case = case_of(change(healthy()))

    assert changed(sound, outcomes(case)) == expected
    blamed = {who for f in expdiag.check(case) for who in f.verdict.at_fault}
    assert blamed == set(at_fault)
