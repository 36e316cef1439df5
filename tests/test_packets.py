"""A packet followed through rules: what iptables and nft would do, also where a condition cannot be judged."""

from __future__ import annotations

import ipaddress
import random

import pytest

import expdiag
from expdiag.model.network import ranges
from expdiag.model.network.firewall import Gate, gates
from expdiag.model.network.packets import Packet

SAVE = """*filter
:INPUT {policy} [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
{chains}
{rules}
COMMIT
"""
PEER, OTHER = "10.0.1.11", "198.51.100.9"


def gate(files, text: str, path: str = "probes/e1/rules.txt") -> Gate:
    """Return the gate of e1 that a print of its rules gives."""
    folder = files({path: text, "xconf_dump_e1_2026-05-01.txt": '*c xConfiguration IP DNS Hostname: "e1"\n'})
    return expdiag.load(folder).cluster.view(gates)["e1"]


def save(rules: str, chains: str = "", policy: str = "ACCEPT") -> str:
    return SAVE.format(rules=rules, chains=chains, policy=policy)


def fate(through: Gate, source: str, **packet: object) -> str:
    """Return what becomes of a packet: accepted, blocked or perhaps."""
    at = ipaddress.ip_address(source)
    known = {"transport": "tcp", "port": 4372, "interface": "eth0"} | packet
    found = through.through(Packet(at.version, **known))  # type: ignore[arg-type]
    assert found
    here = ((int(at), int(at)),)
    return next(name for name in ("accepted", "blocked", "perhaps") if ranges.intersect(getattr(found, name), here))


@pytest.mark.parametrize(
    ("rules", "peer", "other"),
    [
        ("-A INPUT -s 10.0.1.0/24 -p tcp --dport 4371:4372 -j ACCEPT\n-A INPUT -p tcp --dport 4372 -j DROP", "a", "b"),
        ("-A INPUT -p tcp --dport 4372 -j DROP\n-A INPUT -s 10.0.1.11/32 -j ACCEPT", "b", "b"),
        ("-A INPUT ! -s 10.0.1.11/32 -p tcp -m multiport --dports 22,4371:4372 -j REJECT", "a", "b"),
        (
            "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp --dport 4372 -j DROP",
            "b",
            "b",
        ),
        ("-A INPUT -i lo -j ACCEPT\n-A INPUT -j DROP", "b", "b"),
        ("-A INPUT -i eth1 -j DROP", "a", "a"),
        ("-A INPUT -p udp --dport 4372 -j DROP", "a", "a"),
        ("-A INPUT -j LOG\n-A INPUT -s 10.0.1.11/32 -j RETURN\n-A INPUT -p tcp --dport 4372 -j DROP", "a", "b"),
        ("-A INPUT -p tcp --dport 4372 -m limit --limit 5/min -j ACCEPT\n-A INPUT -j DROP", "p", "p"),
        ("-A INPUT -m set --match-set peers src -j ACCEPT\n-A INPUT -s 198.51.100.0/24 -j DROP", "a", "p"),
        ("-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN --dport 4372 -j DROP", "b", "b"),
        ("-A INPUT -d 192.0.2.1/32 -j DROP", "p", "p"),
    ],
)
def test_what_becomes_of_a_new_connection(files, rules: str, peer: str, other: str) -> None:
    through = gate(files, save(rules))

    assert (fate(through, PEER)[0], fate(through, OTHER)[0]) == (peer, other)


@pytest.mark.parametrize(
    ("chains", "rules", "peer", "other"),
    [
        ("c", "-A INPUT -p tcp --dport 4372 -j c\n-A c -s 10.0.1.11/32 -j ACCEPT\n-A c -j DROP", "a", "b"),
        (
            "c",
            "-A INPUT -j c\n-A INPUT -j DROP\n-A c -s 10.0.1.11/32 -j ACCEPT\n-A c -s 198.51.100.9/32 -j RETURN",
            "a",
            "b",
        ),
        ("c", "-A INPUT -g c\n-A INPUT -j DROP\n-A c -s 10.0.1.11/32 -j DROP", "b", "a"),
        ("c d", "-A INPUT -j c\n-A c -j d\n-A c -j DROP\n-A d -s 10.0.1.11/32 -j ACCEPT", "a", "b"),
        ("c", "-A INPUT -m limit --limit 1/s -j c\n-A INPUT -j DROP\n-A c -s 10.0.1.11/32 -j ACCEPT", "p", "b"),
        ("", "-A INPUT -j nowhere", "p", "p"),
    ],
)
def test_jumps_and_returns(files, chains: str, rules: str, peer: str, other: str) -> None:
    heads = "\n".join(f":{name} - [0:0]" for name in chains.split())
    through = gate(files, save(rules, heads))

    assert (fate(through, PEER)[0], fate(through, OTHER)[0]) == (peer, other)


def test_the_policy_and_an_earlier_table_count(files) -> None:
    assert fate(gate(files, save("", policy="DROP")), PEER) == "blocked"


def test_a_drop_before_the_filter(files) -> None:
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -s 198.51.100.0/24 -j DROP\nCOMMIT\n"
    through = gate(files, raw + save(""))

    assert (fate(through, PEER), fate(through, OTHER)) == ("accepted", "blocked")


NFT = """table inet late {
	chain input {
		type filter hook input priority 10; policy accept;
		ip saddr 198.51.100.0/24 drop
	}
}
table inet filter {
	set peers {
		type ipv4_addr
		elements = { 10.0.1.11, 10.0.1.12 }
	}

	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state vmap { established : accept, related : accept, invalid : drop }
		ip saddr @peers tcp dport 4371-4372 accept
		ip saddr 198.51.100.9 accept
		ip6 saddr 2001:db8::1 tcp dport { 4371, 4372 } accept
	}
}
"""


def test_every_base_chain_has_to_let_a_packet_through(files) -> None:
    through = gate(files, NFT)

    assert fate(through, PEER) == "accepted"
    assert fate(through, OTHER) == "blocked"
    assert fate(through, "2001:db8::1") == "accepted"
    assert fate(through, "2001:db8::2") == "blocked"


def test_a_dormant_table_does_nothing(files) -> None:
    dormant = (
        "table inet off {\n\tflags dormant\n\tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n"
    )
    through = gate(files, NFT + dormant)

    assert fate(through, PEER) == "accepted"


def test_two_prints_that_part_leave_it_open(files) -> None:
    folder = {"probes/e1/a.txt": save("-A INPUT -p tcp --dport 4372 -j DROP"), "probes/e1/b.txt": save("")}
    case = expdiag.load(files({**folder, "xconf_dump_e1_2026-05-01.txt": '*c xConfiguration IP DNS Hostname: "e1"\n'}))

    assert fate(case.cluster.view(gates)["e1"], PEER) == "perhaps"


def simple_rules(chance: random.Random) -> list[tuple[str, str, tuple[int, int] | None, str]]:
    """Return rules as source network, transport, ports and verdict."""
    networks = ["", "10.0.1.0/24", "10.0.1.11/32", "10.0.0.0/8", "198.51.100.0/25", "0.0.0.0/1"]
    return [
        (
            chance.choice(("", "! ")) + net if (net := chance.choice(networks)) else "",
            transport := chance.choice(["tcp", "udp", ""]),
            chance.choice([None, (4371, 4372), (4372, 4372), (1, 4000)]) if transport else None,
            chance.choice(["ACCEPT", "DROP"]),
        )
        for _ in range(chance.randint(1, 6))
    ]


@pytest.mark.parametrize("seed", range(30))
def test_first_match_wins_as_a_plain_walk_finds_it(files, seed: int) -> None:
    chance = random.Random(seed)
    chosen = simple_rules(chance)
    lines = [
        f"-A INPUT{_source(source)}{f' -p {t}' if t else ''}{f' --dport {p[0]}:{p[1]}' if p else ''} -j {verdict}"
        for source, t, p, verdict in chosen
    ]
    through = gate(files, save("\n".join(lines)))

    for source in (PEER, OTHER, "10.0.2.1", "127.255.255.254", "198.51.100.200", "203.0.113.1"):
        if source.startswith("127."):
            continue
        assert fate(through, source) == _walk(chosen, source), lines


def _source(source: str) -> str:
    return f" {'! ' if source.startswith('!') else ''}-s {source.removeprefix('! ')}" if source else ""


def _walk(chosen, source: str) -> str:
    at = ipaddress.ip_address(source)
    for network, transport, ports, verdict in chosen:
        inside = not network or (at in ipaddress.ip_network(network.removeprefix("! "))) != network.startswith("!")
        if inside and transport in ("", "tcp") and (ports is None or ports[0] <= 4372 <= ports[1]):
            return "accepted" if verdict == "ACCEPT" else "blocked"
    return "accepted"
