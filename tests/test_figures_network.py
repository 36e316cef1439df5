"""Figures of the network: each cell says what the evidence says, with the outcome of the rule that judges it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import expdiag
from expdiag.scenarios import network
from expdiag.scenarios.lookups import digs, inner_zone, outer_zone
from expdiag.scenarios.spec import AS_OF, ClusterSpec, healthy
from expdiag.scenarios.write import write_case
from expdiag.show.figures import FIGURES
from expdiag.show.firewall_order import order_picture, order_table
from expdiag.show.lookups import lookup_table
from expdiag.show.nat import nat_table
from expdiag.show.reachability import reachability_table
from tests.test_figures import boxes
from tests.test_figures import test_no_text_overlaps_or_is_cut as assert_room
from tests.test_rules_network_evidence import save

NAMES = ("ports", "nat", "dns", "firewall")
NEW = tuple(figure for figure in FIGURES if figure.name in NAMES)
HOSTILE = "<script>alert(1)</script> =cmd() $x$ \x1b[31m\u202egnp"
CHAINS = """*filter
:INPUT DROP [0:0]
:PEERS - [0:0]
-A PEERS -s 10.0.1.11/32 -j ACCEPT
-A PEERS -s 10.9.0.0/16 -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 4371:4372 -j PEERS
-A INPUT -m set --match-set known src -j ACCEPT
COMMIT
"""
CISCO_UDS = ("_cisco-uds._tcp.edge.example.com", "SRV")


def strangers(count: int) -> list[str]:
    """Return rules that let as many single addresses in, apart from each other."""
    return [f"-s 198.51.{n // 100}.{2 * (n % 100)}/32 -p tcp --dport 4371:4372 -j ACCEPT" for n in range(count)]


def broken() -> ClusterSpec:
    """Return a cluster with a fault in everything these figures show."""
    cluster = healthy(3)
    e1, e2, e3 = cluster.peers
    inside = {**inner_zone(cluster), (e2.fqdn, "A"): ("10.0.1.99",)}
    del inside[e3.fqdn, "A"]
    asked = [*inner_zone(cluster), ("time.example.com", "A")]
    outside = {**outer_zone(cluster), ("_collab-edge._tls.edge.example.com", "SRV"): (f"10 10 8443 {e1.fqdn}.",)}
    outside[e1.fqdn, "A"] = ("10.0.1.11",)
    files = {
        f"rest/e1/{network.REST_RULES}": network.rest_rules([e2.ipv4, e3.ipv4], first=50010, drop=10),
        "probes/e2/iptables.txt": CHAINS,
        "probes/e3/iptables.txt": save(*strangers(60), "-s 10.0.1.0/24 -p tcp -j ACCEPT", policy="DROP"),
        "probes/e1/ports-e2.txt": network.tried(e1, e2.ipv4, p4371="filtered", p4372="refused"),
        "probes/e2/ports-e3.txt": network.tried(e2, e3.ipv4, p4371="unreachable", p4372="unreachable"),
        "probes/outside/ports-e1.txt": network.scan("203.0.113.11", "filtered", "open"),
        "probes/e1/dig.txt": digs(asked, inside, "10.0.1.53", AS_OF),
        "probes/e2/dig.txt": digs(asked, inner_zone(cluster), "192.0.2.53", AS_OF),
        "probes/outside/dig.txt": digs([*outside, CISCO_UDS], outside, "198.51.100.53", AS_OF),
    }
    spec = cluster.changed("e2", peer_list=("203.0.113.11", e2.fqdn, "nobody.example.com"))
    spec = spec.changed("e1", ntp_servers=("time.example.com",))
    return spec.with_files(files)


def loaded(cluster: ClusterSpec, folder) -> expdiag.Case:
    write_case(cluster, folder)
    return expdiag.load(folder)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> expdiag.Case:
    return loaded(broken(), tmp_path_factory.mktemp("broken"))


def cell(table: pd.DataFrame, *place: str) -> tuple[str | None, str]:
    """Return outcome and words of the one cell whose first columns begin with, or are, some texts."""
    found = table
    for name, text in zip(table.columns, place, strict=False):
        exact = found[found[name] == text]
        found = exact if len(exact) else found[found[name].str.startswith(text)]
    assert len(found) == 1, found.to_string()
    outcome = found.iloc[0]["outcome"]
    return (None if pd.isna(outcome) else outcome), found.iloc[0]["shown"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (("from e1", "to e2", "TCP 4371"), ("violation", "filtered")),
        (("from e1", "to e2", "TCP 4372"), ("violation", "refused")),
        (("from e1", "to e2", "UDP 1719"), (None, "silent")),
        (("from e1", "to e2", "R11"), ("violation", "violation")),
        (("from e1", "to e3", "TCP 4371"), ("pass", "open")),
        (("from e1", "to e3", "UDP 1719"), ("pass", "silent")),
        (("from e2", "to e3", "R09"), ("pass", "answers (echo)")),
        (("from e2", "to e3", "TCP 4372"), ("violation", "unreachable")),
        (("from outside", "to e1", "TCP 4371"), ("pass", "203.0.113.11 filtered")),
        (("from outside", "to e1", "TCP 4372"), ("violation", "203.0.113.11 open")),
        (("from outside", "to e2", "R12"), ("pass", "pass")),
    ],
)
def test_ports_say_what_became_of_the_tries(case: expdiag.Case, place: tuple[str, ...], expected: object) -> None:
    assert cell(reachability_table(case), *place) == expected


def test_a_port_nobody_tried_and_a_router_that_prohibits(case_of) -> None:
    nmap = (
        "$ nmap -Pn -n --reason -p 4371,4372 10.0.1.11\n"
        "Starting Nmap 7.93 ( https://nmap.org ) at 2026-05-01 11:30 UTC\n"
        "Nmap scan report for 10.0.1.11\nHost is up, received user-set (0.012s latency).\n\n"
        "PORT     STATE    SERVICE     REASON\n4371/tcp filtered l2c-control admin-prohibited from 10.0.9.1 ttl 253\n"
        "4372/tcp open     l2c-data    syn-ack ttl 63\n\n"
        "Nmap done: 1 IP address (1 host up) scanned in 2.04 seconds\n"
    )
    table = reachability_table(case_of(healthy(2).with_files({"probes/e2/ports-e1.txt": nmap})))

    assert cell(table, "from e2", "to e1", "TCP 4371") == ("violation", "prohibited by 10.0.9.1")
    assert cell(table, "from e2", "to e1", "TCP 4372") == ("pass", "open")
    assert cell(table, "from e2", "to e1", "UDP 1719") == ("unknown", "not tried")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (("on e1", "for e2", "entry in its peer list"), (None, "e2.edge.example.com")),
        (("on e1", "for e2", "leads to"), (None, "10.0.1.12 (address mapping)")),
        (("on e1", "for e2", "which is"), (None, "its LAN 1")),
        (("on e2", "for e1", "which is"), (None, "static NAT in front of its LAN 2")),
        (("on e2", "for e1", "R10"), ("violation", "violation")),
        (("on e2", "for e3", "entry in its peer list"), (None, "none known to be it")),
        (("on e2", "for e3", "R10"), ("unknown", "unknown")),
        (("static NAT", "e1, LAN 2", "static NAT"), (None, "203.0.113.11 in front")),
        (("static NAT", "e1, LAN 1", "E10"), ("pass", "pass")),
    ],
)
def test_addresses_say_whose_they_are(case: expdiag.Case, place: tuple[str, ...], expected: object) -> None:
    assert cell(nat_table(case), *place) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (("names of the peers", "e2.edge", "e1, asks 10.0.1.53"), ("pass", "10.0.1.99")),  # mapped, so of no harm
        (("names of the peers", "e3.edge", "e1, asks"), ("violation", "NXDOMAIN")),
        (("names of the peers", "e1.edge", "e1, asks"), ("pass", "10.0.1.11")),
        (
            ("names of the peers", "e1.edge", "e2, asks"),
            ("unknown", "not asked; not its server, 192.0.2.53, says 10.0.1.11"),
        ),
        (("names of the peers", "e1.edge", "public DNS"), ("violation", "10.0.1.11")),
        (("addresses of the peers", "10.0.1.13 of e3", "e1, asks"), ("pass", "e3.edge.example.com")),
        (("NTP", "time.example.com", "e1, asks"), ("violation", "NXDOMAIN")),
        (("NTP", "time.example.com", "e3, asks"), (None, "not configured here")),
        (
            ("service records of Mobile", "_collab-edge", "e1"),
            ("violation", "10.0.1.11 port 8443, priority 10, weight 10"),
        ),
        (("service records of Mobile", "_collab-edge", "e2"), ("violation", "not listed")),
        (("service records of Mobile", "_cisco-uds", "e2"), (None, "NXDOMAIN")),
        (("service records for calls", "_sips._tcp", "R42"), ("pass", "pass")),
    ],
)
def test_lookups_say_what_came_back(case: expdiag.Case, place: tuple[str, ...], expected: object) -> None:
    assert cell(lookup_table(case), *place) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (("e1:", "10 drop", "from e2"), ("violation", "kept out")),
        (("e1:", "10 drop", "from everybody else"), ("pass", "kept out")),
        (("e2: TCP", "INPUT 4 jump PEERS", "from e1"), (None, "→ goes on")),
        (("e2:", "↳ PEERS 1 accept from 10.0.1.11/32", "from e1"), ("pass", "gets in")),
        (("e2:", "↳ PEERS 2 accept", "from everybody else"), ("violation", "gets in: 10.9.0.0/16")),
        (("e2: TCP", "INPUT 5 accept if", "from e3"), (None, "may end here, else →")),
        (("e2: TCP", "default of INPUT", "from e3"), ("unknown", "not to be judged")),
        (("e2: UDP 1719", "default of INPUT", "from e1"), ("unknown", "not to be judged")),
        (("e3: UDP 1719", "default of INPUT", "from e2"), ("violation", "kept out")),
        (("e3: TCP", "INPUT 61 accept TCP from 10.0.1.0/24", "from e2"), ("pass", "gets in")),
    ],
)
def test_rules_say_who_ends_at_them(case: expdiag.Case, place: tuple[str, ...], expected: object) -> None:
    assert cell(order_table(case), *place) == expected


def test_rules_that_are_never_met_are_shown_and_others_counted(case: expdiag.Case) -> None:
    drawn = [words for words, _ in boxes(order_picture(case))]
    summed = "INPUT 1 accept TCP 4371-4372 from 198.51.0.0/32; 59 more that do the same, up to INPUT 60"

    assert "50010 accept TCP 4371-4372 from 10.0.1.12/32\n(never met)" in drawn
    assert any(words.endswith("4 for these packets, 3 for others") for words in drawn)
    assert cell(order_table(case), "e3: TCP", summed, "from everybody else")[0] == "violation"
    assert sum(1 for words in drawn if words.startswith("INPUT")) == 5


def test_too_many_rules_to_follow_are_no_pass(case_of) -> None:
    text = save(*strangers(401), "-s 10.0.1.0/24 -j ACCEPT", policy="DROP")
    found = case_of(healthy(2).with_files({"probes/e1/iptables.txt": text}))
    outcomes = {f.requirement.number: f.outcome for f in found.findings if str(f.subject) == "e1"}

    assert (outcomes["R27"], outcomes["R28"]) == ("unknown", "unknown")
    assert cell(order_table(found), "e1: TCP", "where it ends", "from e2") == ("unknown", "too many cases to follow")


@pytest.mark.parametrize("figure", NEW, ids=lambda figure: figure.name)
def test_faults_have_room(case: expdiag.Case, figure) -> None:
    assert_room(case, figure)


@pytest.mark.parametrize("figure", NEW, ids=lambda figure: figure.name)
def test_hostile_words_and_missing_evidence(case_of, figure) -> None:
    """Names with markup, formulas and controls, a peer without exports, one that shows nothing but its name."""
    cluster = healthy(3)
    hostile = replace(cluster.peers[0], ntp_servers=(HOSTILE,), peer_list=(*cluster.peers[0].peer_list, HOSTILE))
    rules = save(f'-s 10.0.1.12/32 -m comment --comment "{HOSTILE}" -m odd --with "{HOSTILE}" -j ACCEPT')
    files = {"probes/e1/iptables.txt": rules, "probes/e1/dig.txt": "", "probes/e1/ports-e2.txt": ""}
    case = case_of(replace(cluster, peers=(hostile, cluster.peers[1])).with_files(files))

    assert_room(case, figure)
    shown = figure.draw(case).svg("x") + figure.table(case).to_csv()
    assert "\x1b" not in shown
    assert "\u202e" not in shown
