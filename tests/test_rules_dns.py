"""R29 to R44: passing, violating, unknown and not applicable, and that no other rule changes its mind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios.lookups import Zone, asked_by, dig, digs, inner_zone, outer_zone
from expdiag.scenarios.spec import AS_OF, AlarmSpec, ClusterSpec, healthy
from expdiag.scenarios.write import write_case
from tests.judging import Outcomes, changed, finding, outcomes

ALL = ("e1", "e2", "e3")
DOMAIN = "edge.example.com"
E1, E2, E3 = (f"{host}.{DOMAIN}" for host in ALL)
INNER, OUTER = "10.0.1.53", "198.51.100.53"
BASE = healthy(name="dns")
Change = Callable[[ClusterSpec], ClusterSpec]
Answers = Mapping[tuple[str, str], tuple[str, ...] | None]


def inside(host: str, answers: Answers, cluster: ClusterSpec = BASE, server: str = INNER) -> dict[str, str]:
    """Return the lookups of a peer with some other answers; None: not asked, an empty one: no such name."""
    peer = next(peer for peer in cluster.peers if peer.host_name == host)
    return {f"probes/{host}/dig.txt": _digs(asked_by(peer, cluster), inner_zone(cluster), answers, server)}


def outside(answers: Answers, cluster: ClusterSpec = BASE) -> dict[str, str]:
    """Return the lookups from outside with some other answers."""
    zone = outer_zone(cluster)
    asked = [*zone, (f"_cisco-uds._tcp.{DOMAIN}", "SRV")]
    return {"probes/outside/dig.txt": _digs(asked, zone, answers, OUTER)}


def _digs(asked: list[tuple[str, str]], zone: Zone, answers: Answers, server: str) -> str:
    asked = [question for question in dict.fromkeys((*asked, *answers)) if answers.get(question, ()) is not None]
    return digs(asked, {**_without(zone, answers), **{q: a for q, a in answers.items() if a}}, server, AS_OF)


def _without(zone: Zone, answers: Answers) -> Zone:
    gone = {name for (name, _), answer in answers.items() if answer == ()}
    return {question: answer for question, answer in zone.items() if question[0] not in gone}


def files(contents: Mapping[str, str]) -> Change:
    return lambda cluster: cluster.with_files(contents)


def both(*changes: Change) -> Change:
    def change(cluster: ClusterSpec) -> ClusterSpec:
        for one in changes:
            cluster = one(cluster)
        return cluster

    return change


def settings(host: str, **values: str) -> Change:
    return lambda cluster: cluster.changed(host, settings={k.replace("_", " "): v for k, v in values.items()})


def everywhere(values: Mapping[str, str]) -> Change:
    return lambda cluster: replace(cluster, peers=tuple(p.changed(settings=dict(values)) for p in cluster.peers))


def alarm(host: str, number: int, detail: str) -> Change:
    return lambda c: c.changed(host, alarms=(AlarmSpec(number, "", "t", detail),))


def mapping(entries: Mapping[str, str]) -> Change:
    return lambda cluster: replace(cluster, mapping=dict(entries))


def no_mapping(cluster: ClusterSpec) -> ClusterSpec:
    """Say that the mapping has no entry."""
    return replace(cluster, mapping={}).stating("cluster", address_mapping={})


def addresses_in_lists(cluster: ClusterSpec) -> ClusterSpec:
    own = tuple(peer.ipv4 for peer in cluster.peers)
    return replace(cluster, peers=tuple(peer.changed(peer_list=own) for peer in cluster.peers))


@cache
def sound() -> Outcomes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_case(BASE, Path(folder) / "c")
        return outcomes(expdiag.load(Path(folder) / "c"))


def srv(service: str, port: int, *targets: str, numbers: str = "10 10") -> dict[tuple[str, str], tuple[str, ...]]:
    return {(f"{service}.{DOMAIN}", "SRV"): tuple(f"{numbers} {port} {target}." for target in targets)}


def pointer(last: int) -> tuple[str, str]:
    return (f"{last}.1.0.10.in-addr.arpa", "PTR")


TMS = "tms.example.com"
TMS_POINTER = ("9.9.0.10.in-addr.arpa", "PTR")
TMS_ZONE = {(TMS, "A"): ("10.0.9.9",), TMS_POINTER: (f"{TMS}.",)}
LDAP = "ldap.example.com"
LDAP_SERVER = {"Login Remote LDAP Server Address": LDAP}
LDAP_ZONE = {(LDAP, "A"): ("10.0.8.8",), ("8.8.0.10.in-addr.arpa", "PTR"): (f"{LDAP}.",)}
BY_SERVICE = {**LDAP_SERVER, "Login Remote LDAP Server FQDNResolution": "SRVRecord"}
FRONT_END = {
    "Zones Zone 3 Neighbor SIP Encryption Mode": "Microsoft",
    "Zones Zone 3 Neighbor Peer 1 Address": "fe.example.com",
}
MANAGED = {"ExternalManager Address": TMS}


def on_all(answers: Answers) -> Change:
    return both(*(files(inside(host, answers)) for host in ALL))


def only(number: str, *hosts: str, outcome: str = VIOLATION) -> Outcomes:
    return {(number, (host,)): outcome for host in hosts}


CASES: dict[str, tuple[Change, Outcomes]] = {
    # Cisco TMS and the external manager
    "TMS resolves": (
        both(everywhere(MANAGED), on_all(TMS_ZONE)),
        {(rule, (host,)): PASS for rule in ("R30", "R31", "R35") for host in ALL},
    ),
    "TMS is only known by address": (
        both(everywhere({"ExternalManager Address": "10.0.9.9"}), on_all({TMS_POINTER: (f"{TMS}.",)})),
        only("R31", *ALL, outcome=PASS),
    ),
    "TMS is known by address and by the name case.toml has": (
        both(
            everywhere({"ExternalManager Address": "10.0.9.9"}),
            on_all(TMS_ZONE),
            lambda c: c.stating("tms", used=True, address=TMS),
        ),
        {(rule, (host,)): PASS for rule in ("R30", "R31") for host in ALL},
    ),
    "R30 and R35 no such name for one peer": (
        both(everywhere(MANAGED), on_all(TMS_ZONE), files(inside("e2", {(TMS, "A"): (), TMS_POINTER: (f"{TMS}.",)}))),
        {
            **{(rule, (host,)): PASS for rule in ("R30", "R31", "R35") for host in ALL},
            **only("R30", "e2"),
            **only("R35", "e2"),
        },
    ),
    "R31 no PTR record": (
        both(everywhere(MANAGED), on_all({**TMS_ZONE, TMS_POINTER: ()})),
        {**{(rule, (host,)): PASS for rule in ("R30", "R35") for host in ALL}, **only("R31", *ALL)},
    ),
    "R31 another name": (
        both(everywhere(MANAGED), on_all({**TMS_ZONE, TMS_POINTER: ("old.example.com.",)})),
        {**{(rule, (host,)): PASS for rule in ("R30", "R35") for host in ALL}, **only("R31", *ALL)},
    ),
    "R31 another name that leads back": (
        both(
            everywhere(MANAGED),
            on_all({**TMS_ZONE, TMS_POINTER: ("srv1.example.com.",), ("srv1.example.com", "A"): ("10.0.9.9",)}),
        ),
        {(rule, (host,)): PASS for rule in ("R30", "R31", "R35") for host in ALL},
    ),
    "nobody asked for TMS": (
        everywhere(MANAGED),
        {(rule, (host,)): UNKNOWN for rule in ("R30", "R31", "R35") for host in ALL},
    ),
    # the peers
    "R32 no such name": (
        both(no_mapping, on_all({}), files(inside("e1", {(E3, "A"): ()}))),
        {**only("R32", "e1"), ("R41", ALL): VIOLATION},
    ),
    "R32 no such name although mapped": (files(inside("e1", {(E3, "A"): ()})), only("R32", "e1")),
    "R32 another address where mapped does no harm": (files(inside("e1", {(E3, "A"): ("10.0.1.99",)})), {}),
    "R32 another address where lists have addresses": (
        both(addresses_in_lists, files(inside("e1", {(E3, "A"): ("10.0.1.99",)}))),
        {**only("R32", "e1"), ("R41", ALL): NOT_APPLICABLE},
    ),
    "R32 the public address where lists have addresses": (
        both(addresses_in_lists, files(inside("e1", {(E3, "A"): ("203.0.113.13",)}))),
        {("R41", ALL): NOT_APPLICABLE},
    ),
    "R32 was not asked": (files(inside("e1", {(E3, "A"): None})), only("R32", "e1", outcome=UNKNOWN)),
    "R32 an answer of a server the peer does not ask": (
        files({**inside("e1", {}, server="10.0.1.54")}),
        {**only("R32", "e1", outcome=UNKNOWN), **only("R33", "e1", outcome=UNKNOWN)},
    ),
    "R33 no PTR record": (files(inside("e2", {pointer(13): ()})), only("R33", "e2")),
    "R33 the PTR record of another": (files(inside("e2", {pointer(13): (f"{E1}.",)})), only("R33", "e2")),
    "R33 two PTR records": (files(inside("e2", {pointer(13): (f"{E3}.", "old.example.com.")})), only("R33", "e2")),
    "R33 was not asked": (files(inside("e2", {pointer(13): None})), only("R33", "e2", outcome=UNKNOWN)),
    "R33 alarm 25030": (
        alarm("e1", 25030, "Failed to do reverse DNS Lookup for address 10.0.1.11 ."),
        only("R33", "e1"),
    ),
    "R33 alarm 25031": (alarm("e1", 25031, "FQDN in PTR record for address 203.0.113.12 does not"), only("R33", "e1")),
    "R33 alarm of a system elsewhere": (alarm("e1", 25030, "Failed to do reverse DNS Lookup for address 10.8.8.8"), {}),
    # time servers, Microsoft, LDAP
    "R34 by name": (
        lambda c: c.changed("e1", ntp_servers=("ntp.example.com", "10.0.1.1")),
        only("R34", "e1", outcome=PASS),
    ),
    "R34 no such name": (
        both(
            lambda c: c.changed("e1", ntp_servers=("ntp.example.com",)),
            files(inside("e1", {("ntp.example.com", "A"): ()})),
        ),
        only("R34", "e1"),
    ),
    "R34 was not asked": (
        both(lambda c: c.changed("e1", ntp_servers=("ntp.example.com",)), files(inside("e1", {}))),
        only("R34", "e1", outcome=UNKNOWN),
    ),
    "R36 resolves": (
        both(everywhere(FRONT_END), on_all({("fe.example.com", "A"): ("10.0.7.7",)})),
        only("R36", *ALL, outcome=PASS),
    ),
    "R36 no such name": (both(everywhere(FRONT_END), on_all({("fe.example.com", "A"): ()})), only("R36", *ALL)),
    "R36 was not asked": (everywhere(FRONT_END), only("R36", *ALL, outcome=UNKNOWN)),
    "R36 in use but where is not shown": (
        lambda c: c.stating("services", microsoft_interop=True),
        only("R36", *ALL, outcome=UNKNOWN),
    ),
    "R36 by address": (everywhere({**FRONT_END, "Zones Zone 3 Neighbor Peer 1 Address": "10.0.7.7"}), {}),
    "R37 and R38 resolve": (
        both(everywhere(LDAP_SERVER), on_all(LDAP_ZONE)),
        {(rule, (host,)): PASS for rule in ("R37", "R38") for host in ALL},
    ),
    "R37 no such name": (
        both(everywhere(LDAP_SERVER), on_all({(LDAP, "A"): ()})),
        {**only("R37", *ALL), **only("R38", *ALL, outcome=UNKNOWN)},
    ),
    "R38 no PTR record": (
        both(everywhere(LDAP_SERVER), on_all({**LDAP_ZONE, ("8.8.0.10.in-addr.arpa", "PTR"): ()})),
        {**only("R37", *ALL, outcome=PASS), **only("R38", *ALL)},
    ),
    "R38 another name nobody looked up": (
        both(everywhere(LDAP_SERVER), on_all({**LDAP_ZONE, ("8.8.0.10.in-addr.arpa", "PTR"): ("dc1.example.com.",)})),
        {**only("R37", *ALL, outcome=PASS), **only("R38", *ALL, outcome=UNKNOWN)},
    ),
    "R37 by service": (
        both(
            everywhere(BY_SERVICE),
            on_all(
                {
                    (f"_ldap._tcp.{LDAP}", "SRV"): (f"0 100 389 dc1.{LDAP}.",),
                    (f"dc1.{LDAP}", "A"): ("10.0.8.8",),
                    ("8.8.0.10.in-addr.arpa", "PTR"): (f"dc1.{LDAP}.",),
                }
            ),
        ),
        {(rule, (host,)): PASS for rule in ("R37", "R38") for host in ALL},
    ),
    "R37 by service whose target has no address": (
        both(
            everywhere(BY_SERVICE),
            on_all({(f"_ldap._tcp.{LDAP}", "SRV"): (f"0 100 389 dc1.{LDAP}.",), (f"dc1.{LDAP}", "A"): ()}),
        ),
        {**only("R37", *ALL), **only("R38", *ALL, outcome=UNKNOWN)},
    ),
    "R37 was not asked": (
        everywhere(LDAP_SERVER),
        {(rule, (host,)): UNKNOWN for rule in ("R37", "R38") for host in ALL},
    ),
    "R37 by address": (everywhere({"Login Remote LDAP Server Address": "10.0.8.8"}), {}),
    "R37 H.350 is off": (everywhere({"Authentication H350 LdapServerAddress": LDAP}), {}),
    "R37 H.350": (
        both(
            everywhere({"Authentication H350 LdapServerAddress": LDAP, "Authentication H350 Mode": "On"}),
            on_all({**LDAP_ZONE, (LDAP, "A"): ()}),
        ),
        {**only("R37", *ALL), **only("R38", *ALL, outcome=PASS)},
    ),
    # public and private addresses
    "R39 a private address in public DNS": (
        files(outside({(E2, "A"): ("10.0.1.12",)})),
        {**only("R39", "e2"), **only("R43", "e2")},
    ),
    "R39 no address in public DNS": (
        both(files(outside({(E2, "A"): ()})), lambda c: c.without_mra()),
        {("R42", ALL): VIOLATION, **only("R43", *ALL, outcome=NOT_APPLICABLE)},
    ),
    "R40 unmapped, and DNS gives the static NAT address": (
        both(no_mapping, on_all({(E2, "A"): ("203.0.113.12",)})),
        {**only("R40", "e2"), ("R41", ALL): VIOLATION},
    ),
    "R40 unmapped, and nobody asked": (
        both(no_mapping, files({f"probes/{host}/dig.txt": "" for host in ALL})),
        {
            **{(rule, (host,)): UNKNOWN for rule in ("R32", "R33", "R40") for host in ALL},
            ("R41", ALL): VIOLATION,
        },
    ),
    "R41 without an entry for one": (
        mapping({E1: "10.0.1.11", E2: "10.0.1.12"}),
        {("R41", ALL): VIOLATION},
    ),
    "R41 nothing shows a mapping": (mapping({}), {("R41", ALL): UNKNOWN}),
    "R41 off": (no_mapping, {("R41", ALL): VIOLATION}),
    "R41 off where lists have addresses": (both(no_mapping, addresses_in_lists), {("R41", ALL): NOT_APPLICABLE}),
    # SRV records
    "R43 without e2": (files(outside(srv("_collab-edge._tls", 8443, E1, E3))), only("R43", "e2")),
    "R43 no record": (files(outside({(f"_collab-edge._tls.{DOMAIN}", "SRV"): ()})), only("R43", *ALL)),
    "R43 another port": (files(outside(srv("_collab-edge._tls", 443, *(E1, E2, E3)))), only("R43", *ALL)),
    "R43 e3 at another priority": (
        files(
            outside(
                {
                    (f"_collab-edge._tls.{DOMAIN}", "SRV"): (
                        f"10 10 8443 {E1}.",
                        f"10 10 8443 {E2}.",
                        f"20 10 8443 {E3}.",
                    )
                }
            )
        ),
        only("R43", "e3"),
    ),
    "R43 leads to another address": (files(outside({(E3, "A"): ("203.0.113.99",)})), only("R43", "e3")),
    "R43 cisco-uds from outside": (files(outside(srv("_cisco-uds._tcp", 8443, "cucm.example.com"))), only("R43", *ALL)),
    "R43 was not asked": (
        files(outside({(f"_collab-edge._tls.{DOMAIN}", "SRV"): None})),
        only("R43", *ALL, outcome=UNKNOWN),
    ),
    "R43 only the peers asked": (
        both(
            files(outside({(f"_collab-edge._tls.{DOMAIN}", "SRV"): None})),
            files(inside("e1", srv("_collab-edge._tls", 8443, E1, E2, E3))),
        ),
        only("R43", *ALL, outcome=UNKNOWN),
    ),
    "R43 under the cluster name, where no client looks": (
        files(
            outside(
                {
                    (f"_collab-edge._tls.{DOMAIN}", "SRV"): (),
                    (f"_collab-edge._tls.cluster.{DOMAIN}", "SRV"): tuple(
                        f"10 10 8443 {name}." for name in (E1, E2, E3)
                    ),
                }
            )
        ),
        only("R43", *ALL),
    ),
    "R43 under the domain above": (
        files(
            outside(
                {
                    (f"_collab-edge._tls.{DOMAIN}", "SRV"): None,
                    ("_collab-edge._tls.example.com", "SRV"): tuple(f"10 10 8443 {name}." for name in (E1, E2, E3)),
                }
            )
        ),
        {},
    ),
    "R41 to public addresses": (
        mapping({E1: "203.0.113.11", E2: "203.0.113.12", E3: "203.0.113.13"}),
        {("R41", ALL): VIOLATION, **only("R40", *ALL)},
    ),
    "R43 no MRA": (lambda c: c.without_mra(), only("R43", *ALL, outcome=NOT_APPLICABLE)),
    "R43 an export says there is no MRA": (
        everywhere({"CollaborationEdge Enabled": "Off"}),
        only("R43", *ALL, outcome=NOT_APPLICABLE),
    ),
    "R42 unequal weights": (
        files(
            outside({(f"_sips._tcp.{DOMAIN}", "SRV"): (f"10 10 5061 {E1}.", f"10 10 5061 {E2}.", f"10 5 5061 {E3}.")})
        ),
        {("R42", ALL): VIOLATION},
    ),
    "R42 without e3": (files(outside(srv("_sips._tcp", 5061, E1, E2))), {("R42", ALL): VIOLATION}),
    "R42 an address as target": (
        files(outside(srv("_sips._tcp", 5061, E1, E2, E3, "203.0.113.13"))),
        {("R42", ALL): VIOLATION},
    ),
    "R42 no record and no need": (
        files(
            outside({(f"{s}.{DOMAIN}", "SRV"): () for s in ("_sips._tcp", "_sip._tcp", "_h323cs._tcp", "_h323ls._udp")})
        ),
        {("R42", ALL): NOT_APPLICABLE},
    ),
    "R44 complete": (lambda c: c.stating("services", b2b=True), {("R44", ALL): PASS}),
    "R44 a former peer": (
        both(
            lambda c: c.stating("services", b2b=True),
            files(outside(srv("_sip._tcp", 5060, E1, E2, E3, f"e4.{DOMAIN}"))),
        ),
        {("R44", ALL): VIOLATION, ("R42", ALL): VIOLATION},
    ),
    "R44 unequal priority is R42": (
        both(
            lambda c: c.stating("services", b2b=True),
            files(
                outside(
                    {(f"_sip._tcp.{DOMAIN}", "SRV"): (f"10 10 5060 {E1}.", f"20 10 5060 {E2}.", f"30 10 5060 {E3}.")}
                )
            ),
        ),
        {("R44", ALL): PASS, ("R42", ALL): VIOLATION},
    ),
    "R44 no record": (
        both(
            lambda c: c.stating("services", b2b=True),
            files(
                outside(
                    {(f"{s}.{DOMAIN}", "SRV"): () for s in ("_sips._tcp", "_sip._tcp", "_h323cs._tcp", "_h323ls._udp")}
                )
            ),
        ),
        {("R44", ALL): VIOLATION, ("R42", ALL): VIOLATION},
    ),
    "R44 nobody asked from outside": (
        both(lambda c: c.stating("services", b2b=True), files({"probes/outside/dig.txt": ""})),
        {
            ("R44", ALL): UNKNOWN,
            ("R42", ALL): UNKNOWN,
            **{(rule, (host,)): UNKNOWN for rule in ("R39", "R43") for host in ALL},
        },
    ),
}


def _follows(name: str, number: str, outcome: str) -> bool:
    """Whether a rule of another section follows.

    R10 goes by the mapping, R19 by the entries and the mapping, E09 by what names lead to; where TMS is used its
    version is asked for.
    """
    return (
        (number == "R10" and ("R4" in name or outcome == UNKNOWN))
        or (number == "R19" and ("lists have addresses" in name or "public addresses" in name))
        or (number == "E09" and outcome == UNKNOWN)
        or (number in ("R45", "R46", "R47") and any(word in name for word in ("TMS", "R30", "R31", "R35")))
    )


@pytest.mark.parametrize("name", CASES)
def test_what_dns_says_changes_its_rules_and_no_other(case_of, name: str) -> None:
    change, expected = CASES[name]

    case = case_of(change(BASE))

    assert {
        key: outcome for key, outcome in changed(sound(), outcomes(case)).items() if not _follows(name, key[0], outcome)
    } == expected
    for found in expdiag.check(case):
        verdict = found.verdict
        assert not verdict.crashed, verdict.reason
        if found.requirement.section == "dns" and verdict.outcome in (VIOLATION, PASS):
            assert found.sources, (found.requirement.number, verdict.reason)
        if found.requirement.section == "dns" and verdict.outcome == UNKNOWN:
            assert verdict.want, (found.requirement.number, verdict.reason)
        if verdict.outcome == VIOLATION:
            assert verdict.fix


def kept(case: expdiag.Case, number: str, *peers: str) -> str:
    return finding(case, number, *peers).outcome


def test_an_expressway_c_cluster_has_no_public_view(case_of) -> None:
    case = case_of(healthy(type="C", name="c", domain="core.example.com"))

    said = {number: outcome for (number, _), outcome in outcomes(case).items() if number in RULES_OF_E}
    assert said == dict.fromkeys(RULES_OF_E, NOT_APPLICABLE)
    assert kept(case, "R42") == NOT_APPLICABLE
    assert {kept(case, rule, f"c{n}") for rule in ("R32", "R33") for n in (1, 2, 3)} == {PASS}


RULES_OF_E = ("R39", "R40", "R41", "R43", "R44")


def test_the_view_of_the_peers_serves_an_expressway_c_for_its_call_records(case_of) -> None:
    spec = healthy(2, type="C", name="c", domain="core.example.com").stating("services", b2b=True)
    zone = {
        ("_sips._tcp.core.example.com", "SRV"): ("10 10 5061 c1.core.example.com.",),
        ("c1.core.example.com", "A"): ("10.0.1.11",),
    }
    text = digs(zone, zone, INNER, AS_OF)

    found = finding(case_of(spec.with_files({"probes/c1/srv.txt": text})), "R42")

    assert (found.outcome, "without c2.core.example.com" in found.verdict.measured) == (VIOLATION, True)


def test_a_single_interface_without_nat_may_be_clustered_on_its_public_address(case_of) -> None:
    def cluster(**fields: object) -> ClusterSpec:
        peers = tuple(p.changed(ipv4=f"203.0.113.{10 + n}", **fields) for n, p in enumerate(BASE.peers, start=1))
        return no_mapping(replace(BASE, peers=peers))

    alone, dual = case_of(cluster(lan2_ipv4="", static_nat={})), case_of(cluster(static_nat={}))

    assert {kept(alone, "R40", host) for host in ALL} == {PASS}
    assert kept(alone, "R41") == NOT_APPLICABLE
    assert {kept(dual, "R40", host) for host in ALL} == {VIOLATION}
    assert kept(dual, "R41") == VIOLATION


def test_ipv6_clusters_are_looked_up_by_aaaa_and_ip6_arpa(case_of) -> None:
    peers = tuple(p.changed(ipv6=f"2001:db8:1::{10 + n}") for n, p in enumerate(BASE.peers, start=1))
    spec = replace(BASE, peers=peers, mapping={p.fqdn: p.ipv6 for p in peers})

    case = case_of(spec)
    said = outcomes(case)

    assert VIOLATION not in {outcome for (number, _), outcome in said.items() if number in DNS_RULES}
    assert {kept(case, rule, host) for rule in ("R32", "R33", "R40") for host in ALL} == {PASS}
    six = (expdiag.model.names.address("2001:db8:1::13").reverse_pointer, "PTR")
    broken = case_of(files(inside("e1", {six: ("other.example.com.",)}, spec))(spec))
    assert kept(broken, "R33", "e1") == VIOLATION


DNS_RULES = tuple(f"R{number}" for number in range(29, 45))


def test_a_peer_that_only_asks_public_servers_cannot_resolve_private_addresses_there(case_of) -> None:
    """The mapping leads to the private addresses; DNS gives public ones, both ways."""
    zone = {q: a for q, a in outer_zone(BASE).items() if q[1] == "A"}
    zone |= {(f"{10 + n}.113.0.203.in-addr.arpa", "PTR"): (f"e{n}.{DOMAIN}.",) for n in (1, 2, 3)}
    asked = [*zone, *(pointer(10 + n) for n in (1, 2, 3))]
    spec = replace(BASE, peers=tuple(p.changed(dns_servers=(OUTER,)) for p in BASE.peers))
    spec = spec.with_files({f"probes/{host}/dig.txt": digs(asked, zone, OUTER, AS_OF) for host in ALL})

    case = case_of(spec)
    without = dict(zone)
    del without[("12.113.0.203.in-addr.arpa", "PTR")]
    broken = case_of(
        spec.with_files(
            {"probes/e1/dig.txt": digs([*asked, ("12.113.0.203.in-addr.arpa", "PTR")], without, OUTER, AS_OF)}
        )
    )

    assert changed(sound(), outcomes(case)) == {}
    assert changed(sound(), outcomes(broken)) == only("R33", "e1")
    assert kept(case_of(no_mapping(spec)), "R40", "e2") == VIOLATION


def test_a_log_that_names_the_routine_is_no_failed_lookup(case_of) -> None:
    words = (
        'UTCTime="2026-05-01 11:57:59,601" Module="developer.clusterdb.peernameresolver" Level="INFO" '
        f'Node="clusterdb@{E1}" PID="<0.145.0>" Detail="Triggering forced peer update of peers which failed DNS and '
        'queueing next run" Queue-Time-ms="300000"'
    )
    case = case_of(BASE.changed("e1", events=((AS_OF, f"e1 {words}"),)))

    assert changed(sound(), outcomes(case)) == {}


def test_newer_answers_win_over_older_ones_and_say_so(case_of) -> None:
    from datetime import timedelta

    question = (E3, "A")
    bad = dig(*question, {}, INNER, AS_OF - timedelta(hours=2))
    case = case_of(BASE.with_files({"probes/e1/old.txt": bad}))
    worse = case_of(BASE.with_files({"probes/e1/new.txt": dig(*question, {}, INNER, AS_OF + timedelta(minutes=5))}))

    assert "an earlier answer was NXDOMAIN" in finding(case, "R32", "e1").verdict.reason
    assert kept(case, "R32", "e1") == PASS
    assert kept(worse, "R32", "e1") == VIOLATION


def test_answers_without_times_that_disagree_are_shown_and_left_open(case_of) -> None:
    case = case_of(BASE.with_files({"probes/e1/short.txt": f"# dig +noall +answer {E3}\n{E3}.\t5\tIN\tA\t10.0.1.99\n"}))
    found = finding(
        case_of(
            no_mapping(
                BASE.with_files({"probes/e1/short.txt": f"[root@e1 ~]# host {E3}\n{E3} has address 10.0.1.99\n"})
            )
        ),
        "R32",
        "e1",
    )

    assert kept(case, "R32", "e1") in (PASS, UNKNOWN)
    assert found.outcome == UNKNOWN
    assert "10.0.1.99" in found.verdict.reason
    assert "nothing tells" in found.verdict.reason


def test_the_table_of_a_page_and_other_tools_are_read_alike(case_of) -> None:
    page = "Query type\tName\tTTL\tClass\tType\tResponse\n" + "".join(
        f"A\t{p.fqdn}.\t300\tIN\tA\t{p.ipv4}\n" for p in BASE.peers
    )
    pointers = "".join(
        f"[root@e1 ~]# host {p.ipv4}\n{10 + n}.1.0.10.in-addr.arpa domain name pointer {p.fqdn}.\n"
        for n, p in enumerate(BASE.peers, start=1)
    )
    case = case_of(BASE.with_files({"probes/e1/dig.txt": page, "probes/e1/host.txt": pointers}))

    assert changed(sound(), outcomes(case)) == {}


def test_what_is_asked_for_is_read_and_settles_it(case_of) -> None:
    """Each question of each want is answered by dig, saved where the want says; nothing here stays unknown."""
    import re

    spec = replace(BASE.stating("services", b2b=True).stating("tms", used=True), mapping={}).stating(
        "cluster", address_mapping={}
    )
    given = {**MANAGED, **FRONT_END, **LDAP_SERVER, "NTP Server 2 Address": "ntp.example.com"}
    spec = everywhere(given)(spec)
    gone = {f"probes/{host}/dig.txt": "" for host in (*ALL, "outside")}
    zone = {**inner_zone(spec), **TMS_ZONE, **LDAP_ZONE, ("ntp.example.com", "A"): ("10.0.1.200",)}
    zone[("fe.example.com", "A")] = ("10.0.7.7",)
    found: dict[str, str] = {}
    asked = dict(gone)
    for _ in range(3):
        findings = [f for f in expdiag.check(case_of(spec.with_files(asked)), DNS_RULES) if f.outcome == UNKNOWN]
        for want in {want.text for f in findings for want in f.verdict.want if want.kind == "lookup"}:
            command = re.search(r"dig (.*?)(?:, without|; save)", want)[1]
            path = re.search(r"probes/\S+?\.txt", want)[0]
            questions = [
                (expdiag.model.names.address(m[1]).reverse_pointer, "PTR") if m[1] else (m[2], m[3])
                for m in re.finditer(r"-x ([0-9.]+)|(\S+) (A|AAAA|SRV)(?= |$)", command)
            ]
            where, server = (outer_zone(spec), OUTER) if "/outside/" in path else (zone, INNER)
            found[path] = found.get(path, "") + digs(questions, where, server, AS_OF)
        asked = {**gone, **found}

    left = [
        (f.requirement.number, f.subject.peers, f.verdict.reason)
        for f in expdiag.check(case_of(spec.with_files(asked)), DNS_RULES)
        if f.outcome == UNKNOWN
    ]
    assert not left


def test_the_order_of_files_and_the_names_of_peers_do_not_matter(tmp_path) -> None:
    spec = files(inside("e2", {pointer(13): ("x.example.com.",)}))(BASE)
    write_case(spec, tmp_path / "a")
    for path in sorted((tmp_path / "a" / "probes" / "e2").iterdir()):
        path.rename(path.with_name(f"zz-{path.name}"))
    renamed = outcomes(expdiag.load(tmp_path / "a"))

    assert changed(sound(), renamed) == only("R33", "e2")


@pytest.mark.parametrize("form", ["txt", "xml"])
def test_a_mapping_in_an_export_of_either_form_is_judged(tmp_path, form: str) -> None:
    from expdiag.scenarios.write import bundle, case_toml

    def entries(hosts: tuple[str, ...]) -> dict[str, str]:
        return {
            f"Cluster AddressMapping {n} {key}": value
            for n, host in enumerate(hosts, start=1)
            for key, value in (("Fqdn", f"{host}.{DOMAIN}"), ("IpAddress", f"10.0.1.1{host[1]}"))
        }

    for hosts, outcome in ((ALL, PASS), (("e1", "e2"), VIOLATION)):
        spec = everywhere(entries(hosts))(replace(BASE, mapping={}))
        folder = tmp_path / outcome
        write_case(spec, folder)
        for peer in spec.peers:
            (folder / peer.host_name).mkdir()
            for name, content in bundle(peer, spec).items():
                if not name.startswith("xconf") or name.endswith(form):
                    (folder / peer.host_name / name).write_bytes(content)
        for archive in folder.glob("*.tar.gz"):
            archive.unlink()
        (folder / "case.toml").write_text(case_toml(spec))

        found = finding(expdiag.load(folder), "R41")

        assert found.outcome == outcome, found.verdict.reason
        assert {source.file.rpartition(".")[2] for source in found.sources} >= {form}


def test_targets_by_other_names_are_open_until_somebody_asks_where_they_lead(case_of) -> None:
    public = tuple(f"e{n}.public.example" for n in (1, 2, 3))
    answers = {**srv("_collab-edge._tls", 8443, *public), **srv("_sips._tcp", 5061, *public)}
    known = {**answers, **{(name, "A"): (f"203.0.113.{10 + n}",) for n, name in enumerate(public, start=1)}}

    assert changed(sound(), outcomes(case_of(files(outside(known))(BASE)))) == {}
    found = changed(sound(), outcomes(case_of(files(outside(answers))(BASE))))
    assert found == {**only("R43", *ALL, outcome=UNKNOWN), ("R42", ALL): UNKNOWN}


def test_no_record_in_the_domain_above_is_no_record(case_of) -> None:
    asked = [(f"{service}.example.com", "SRV") for service in ("_sips._tcp", "_sip._tcp")]
    text = digs(asked, {}, OUTER, AS_OF)

    case = case_of(BASE.stating("services", b2b=True).with_files({"probes/outside/dig.txt": text}))

    assert [kept(case, rule) for rule in ("R42", "R44")] == [VIOLATION, VIOLATION]


def test_what_is_measured_is_held_against_what_it_should_be(case_of) -> None:
    case = case_of(both(addresses_in_lists, files(inside("e1", {(E3, "A"): ("10.0.1.99",), pointer(12): ()})))(BASE))

    assert (finding(case, "R32", "e1").verdict.measured, finding(case, "R32", "e1").verdict.wanted) == (
        "10.0.1.99",
        "10.0.1.13",
    )
    assert finding(case, "R33", "e1").verdict.wanted == E2


def test_calls_between_businesses_are_stated_or_shown_by_a_dns_zone(case_of) -> None:
    silent = BASE.stating("services", b2b=None)
    zoned = everywhere({"Zones Zone 4 Type": "DNS"})(silent)

    assert [kept(case_of(cluster), "R44") for cluster in (silent, zoned)] == [UNKNOWN, PASS]
    assert kept(case_of(BASE.stating("services", mra=None)), "R43", "e1") == PASS  # the export has it on
