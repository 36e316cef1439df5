"""The rules of the network by other evidence: captures, XML, iptables, nft, nmap, firewalls between, missing pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios import network
from expdiag.scenarios.network import scan
from expdiag.scenarios.spec import AlarmSpec, ClusterSpec, healthy
from expdiag.scenarios.write import case_toml, write_case
from tests.judging import changed, finding, outcomes
from tests.traffic import MS, START, Talk, framed, pcap

A, B = ("10.0.1.11", 30000), ("10.0.1.12", 4372)
TWO = healthy(2, name="two")


@pytest.fixture
def written(tmp_path: Path):
    """Return a function that writes a cluster, changes files of its folder (None takes one away), and loads it."""

    def write(cluster: ClusterSpec, texts: dict[str, str | bytes | None]) -> expdiag.Case:
        folder = tmp_path / f"case-{len(list(tmp_path.iterdir()))}"
        write_case(cluster, folder)
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_bytes(text.encode() if isinstance(text, str) else text)
        return expdiag.load(folder)

    return write


def rest(host: str) -> str:
    return f"rest/{host}/{network.REST_RULES}"


def captured(*talks: Talk) -> bytes:
    return pcap(framed([frame for talk in talks for frame in talk.frames]))


def seen(name: str) -> str:
    return f"{name}/eth0_diagnostic_logging_tcpdump00_{name}_2026-05-01.pcap"


def save(*rules: str, policy: str = "ACCEPT") -> str:
    lines = "\n".join(f"-A INPUT {rule}" for rule in rules)
    return f"*filter\n:INPUT {policy} [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{lines}\nCOMMIT\n"


# firewall rules of a peer


@pytest.mark.parametrize(
    ("rules", "block", "allow"),
    [
        (save("-s 10.0.1.12/32 -p tcp --dport 4371:4372 -j ACCEPT", "-p tcp --dport 4371:4372 -j DROP"), PASS, PASS),
        (
            save("-p tcp --dport 4371:4372 -j DROP", "-s 10.0.1.12/32 -p tcp --dport 4371:4372 -j ACCEPT"),
            PASS,
            VIOLATION,
        ),
        (save("-s 10.0.1.12/32 -j ACCEPT", "-p tcp --dport 4372 -j DROP"), VIOLATION, PASS),
        (save("-s 10.0.1.12/32 -j ACCEPT", "-i eth1 -p tcp --dport 4371:4372 -j DROP"), VIOLATION, PASS),
        (save("-s 10.0.1.0/24 -j ACCEPT", "-p tcp --dport 4371:4372 -j DROP"), VIOLATION, PASS),
        (save("-s 10.0.1.12/32 -p tcp --dport 4371:4372 -j ACCEPT", policy="DROP"), PASS, VIOLATION),  # no 1719
        (save("-s 10.0.1.12/32 -j ACCEPT", policy="DROP"), PASS, PASS),
        (save("-s 10.0.1.12/32 -j ACCEPT", "-m set --match-set f src -j ACCEPT", policy="DROP"), UNKNOWN, PASS),
        (save("-m set --match-set f src -j ACCEPT", "-s 10.9.0.0/16 -j ACCEPT", policy="DROP"), VIOLATION, UNKNOWN),
    ],
)
def test_rules_in_force_as_iptables_prints_them(written, rules: str, block: str, allow: str) -> None:
    case = written(TWO, {rest("e1"): None, "probes/e1/iptables-save.txt": rules})

    assert (finding(case, "R27", "e1").outcome, finding(case, "R28", "e1").outcome) == (block, allow)
    assert (finding(case, "R27", "e2").outcome, finding(case, "R28", "e2").outcome) == (PASS, PASS)


def test_rules_in_force_count_before_those_of_the_page(written) -> None:
    found = finding(written(TWO, {"probes/e1/iptables-save.txt": save()}), "R27", "e1")

    assert found.outcome == VIOLATION
    assert "would close them: they are not what is in force" in found.verdict.reason


@pytest.mark.parametrize("interface", ["LAN2", "eth1"])
def test_a_drop_on_one_interface_leaves_the_other_open(written, interface: str) -> None:
    text = network.rest_rules(["10.0.1.12"]).replace('"Interface": ""', f'"Interface": "{interface}"')

    found = finding(written(TWO, {rest("e1"): text}), "R27", "e1")

    assert (found.outcome, "on LAN 1" in found.verdict.reason, "LAN 2" in found.verdict.reason) == (
        VIOLATION,
        True,
        False,
    )


def test_a_drop_for_ipv4_leaves_ipv6_open(written) -> None:
    cluster = TWO.changed("e1", ipv6="2001:db8::1").changed("e2", ipv6="2001:db8::2")
    text = network.rest_rules(["10.0.1.12"]).replace('"::"', '"0.0.0.0"')

    found = finding(written(cluster, {rest("e1"): text}), "R27", "e1")

    assert (found.outcome, "any other IPv6 address" in found.verdict.reason) == (VIOLATION, True)


def test_the_rules_for_ipv6_are_asked_for(written) -> None:
    cluster = TWO.changed("e1", ipv6="2001:db8::1").changed("e2", ipv6="2001:db8::2")
    rules = save("-s 10.0.1.12/32 -j ACCEPT", policy="DROP")
    case = written(cluster, {rest("e1"): None, "probes/e1/iptables-save.txt": rules})

    found = finding(case, "R27", "e1")
    assert found.outcome == UNKNOWN
    assert ["ip6tables-save" in want.text for want in found.verdict.want] == [True]

    six = save("-s 2001:db8::2/128 -j ACCEPT", policy="DROP")
    told = {rest("e1"): None, "probes/e1/iptables-save.txt": rules, "probes/e1/ip6tables-save.txt": six}
    assert finding(written(cluster, told), "R27", "e1").outcome == PASS


def test_without_rules_the_wanted_ones_settle_it(written) -> None:
    case = written(TWO, {rest("e1"): None})
    assert finding(case, "R27", "e1").outcome == finding(case, "R28", "e1").outcome == UNKNOWN
    (want,) = finding(case, "R27", "e1").verdict.want
    assert "probes/e1/iptables-save.txt" in want.text
    assert rest("e1") in want.text


def test_rules_that_are_only_pending(written) -> None:
    pending = {"rest/e1/provisioning/common/firewallrules/activation.json": '{"State": "Pending"}'}
    case = written(TWO, pending)

    assert finding(case, "R27", "e1").outcome == UNKNOWN
    assert finding(case, "R28", "e1").outcome == PASS
    assert "R27" in finding(case, "R28", "e1").verdict.reason


def test_two_rules_of_one_priority_are_not_activated(written) -> None:
    text = network.rest_rules(["10.0.1.12", "10.0.1.13"]).replace('"Priority": 21', '"Priority": 20')

    assert finding(written(TWO, {rest("e1"): text}), "R27", "e1").outcome == VIOLATION


def test_the_trap_of_the_sample_rules_is_named(written) -> None:
    found = finding(written(TWO, {rest("e1"): network.rest_rules(["10.0.1.12"], drop=10)}), "R28", "e1")

    assert "priority 20, a higher number" in found.verdict.reason
    assert "the lowest number is met first" in found.verdict.fix


def test_an_address_may_be_that_of_a_peer_nobody_knows(tmp_path: Path) -> None:
    three = healthy(3)
    rules = {rest("e1"): network.rest_rules(["10.0.1.12", "10.0.1.13"])}
    quiet = replace(three, peers=three.peers[:2], mapping={p.fqdn: p.ipv4 for p in three.peers[:2]}).with_files(rules)
    quiet = replace(quiet, peers=tuple(p.changed(settings={}) for p in quiet.peers))
    write_case(quiet, tmp_path / "c")
    for log in (tmp_path / "c").rglob("*.tar.gz"):
        assert log.exists()

    case = expdiag.load(tmp_path / "c")

    assert finding(case, "R28", "e1").outcome == UNKNOWN
    assert finding(case, "R27", "e1").outcome == UNKNOWN


# ports and routes between peers


def test_tries_that_disagree_are_unknown_unless_they_tell_when(written) -> None:
    other = {"probes/e1/again.txt": "nc: connect to 10.0.1.12 port 4371 (tcp) timed out: Operation now in progress\n"}
    assert finding(written(TWO, other), "R11", "e1", "e2").outcome == UNKNOWN

    def nmap(hour: int, state: str) -> str:
        reason = "syn-ack" if state == "open" else "no-response"
        ports = "".join(
            f'<port protocol="tcp" portid="{port}"><state state="{state}" reason="{reason}" reason_ttl="0"/></port>'
            for port in (4371, 4372)
        )
        when = 1777626000 + hour * 3600
        return (
            f'<?xml version="1.0"?>\n<nmaprun scanner="nmap" args="nmap -Pn" start="{when}" version="7.93">\n'
            f'<host starttime="{when}" endtime="{when}"><status state="up" reason="user-set"/>\n'
            f'<address addr="10.0.1.12" addrtype="ipv4"/>\n<ports>{ports}</ports></host>\n'
            '<runstats><finished time="1777630000"/><hosts up="1" down="0" total="1"/></runstats>\n</nmaprun>\n'
        )

    gone = {"probes/e1/ports-e2.txt": None}
    newer_open = written(TWO, {**gone, "probes/e1/a.xml": nmap(0, "filtered"), "probes/e1/b.xml": nmap(1, "open")})
    newer_shut = written(TWO, {**gone, "probes/e1/a.xml": nmap(0, "open"), "probes/e1/b.xml": nmap(1, "filtered")})
    assert "earlier it was open" in finding(newer_shut, "R11", "e1", "e2").verdict.reason
    assert finding(newer_shut, "R11", "e1", "e2").outcome == VIOLATION
    assert finding(newer_open, "R11", "e1", "e2").outcome == UNKNOWN  # 1719 was not tried


def test_what_a_router_prohibits(written) -> None:
    text = scan("10.0.1.12", "open", "filtered").replace("no-response", "admin-prohibited from 10.0.0.1 ttl 63")

    case = written(TWO, {"probes/e1/ports-e2.txt": text})

    found = finding(case, "R11", "e1", "e2")
    assert (found.outcome, "10.0.0.1 stands in the way" in found.verdict.reason) == (VIOLATION, True)
    assert finding(case, "R09", "e1", "e2").outcome == PASS


def test_a_probe_without_a_place_says_nothing(written) -> None:
    text = (network.tried(TWO.peers[0], "10.0.1.12", p4371="filtered")).replace("[root@e1 ~]# ", "$ ")
    case = written(TWO, {"probes/e1/ports-e2.txt": None, "somewhere.txt": text})

    assert finding(case, "R11", "e1", "e2").outcome == UNKNOWN


def test_what_its_own_rules_explain_is_no_firewall_between(written) -> None:
    shut = network.tried(TWO.peers[0], "10.0.1.12", p4371="filtered", p4372="filtered")
    texts = {rest("e2"): network.rest_rules([]), "probes/e1/ports-e2.txt": shut}
    before, after = outcomes(written(TWO, {})), outcomes(written(TWO, texts))

    assert changed(before, after) == {("R28", ("e2",)): VIOLATION, ("R11", ("e1", "e2")): UNKNOWN}


def test_ras_refused_where_h323_is_off_is_not_a_firewall(written) -> None:
    refused = {"probes/e1/ports-e2.txt": network.tried(TWO.peers[0], "10.0.1.12", p1719="refused")}
    case = written(TWO.changed("e2", h323="Off"), refused)

    found = finding(case, "R11", "e1", "e2")
    assert (found.outcome, "see R26" in found.verdict.reason) == (PASS, True)


def test_silence_and_timeouts_in_the_log_leave_ras_open(written) -> None:
    record = (
        'tvcs: Event="External Server Communications Failure" Reason="gatekeeper timed out" '
        'Service="NeighbourGatekeeper" Detail="name:10.0.1.12:1719" Level="1" UTCTime="2026-05-01 11:00:00,000"'
    )
    case = written(TWO.changed("e1", events=((TWO.as_of.replace(hour=11), record),)), {})

    found = finding(case, "R11", "e1", "e2")
    assert (found.outcome, [want.kind for want in found.verdict.want]) == (UNKNOWN, ["packets"])
    assert finding(case, "R11", "e2", "e1").outcome == PASS


def test_an_alarm_that_names_no_cause_is_only_said(written) -> None:
    alarm = AlarmSpec(20004, "", "Cluster communication failure", "The system is unable to communicate with one peer")
    before, after = outcomes(written(TWO, {})), outcomes(case := written(TWO.changed("e1", alarms=(alarm,)), {}))

    assert changed(before, after) == {}
    assert "alarm 20004 is up on e1" in finding(case, "R09", "e1", "e2").verdict.reason


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (
            "traceroute to 10.0.1.12 (10.0.1.12), 30 hops max, 60 byte packets\n"
            " 1  10.0.1.1  0.5 ms  0.4 ms  0.4 ms\n 2  10.0.1.12  1.5 ms  1.4 ms  1.4 ms\n",
            PASS,
        ),
        ("From 10.0.1.1 icmp_seq=1 Destination Host Unreachable", VIOLATION),
        ("", UNKNOWN),
    ],
)
def test_routes_by_other_tools(written, text: str, outcome: str) -> None:
    if text.startswith("From"):
        text = (
            "PING 10.0.1.12 (10.0.1.12) 56(84) bytes of data.\n"
            + "".join(f"From 10.0.1.1 icmp_seq={n} Destination Host Unreachable\n" for n in (1, 2, 3, 4))
            + "\n--- 10.0.1.12 ping statistics ---\n"
            "4 packets transmitted, 0 received, +4 errors, 100% packet loss, time 3000ms\n"
        )
    texts = {"probes/e1/ports-e2.txt": None, "probes/e1/ping-e2.txt": None}
    case = written(TWO, {**texts, **({"probes/e1/way.txt": text} if text else {})})

    assert finding(case, "R09", "e1", "e2").outcome == outcome


def test_a_trace_that_goes_in_circles(written) -> None:
    hops = "".join(f"{n:2}  10.0.{n % 2}.1  0.5 ms  0.4 ms  0.4 ms\n" for n in range(1, 31))
    text = f"traceroute to 10.0.1.12 (10.0.1.12), 30 hops max, 60 byte packets\n{hops}"
    case = written(TWO, {"probes/e1/ports-e2.txt": None, "probes/e1/ping-e2.txt": None, "probes/e1/way.txt": text})

    assert finding(case, "R09", "e1", "e2").outcome == VIOLATION


def test_a_missing_static_route_is_a_hint(written) -> None:
    far = TWO.changed("e2", ipv4="10.9.1.12")
    far = replace(far, mapping={**far.mapping, far.peers[1].fqdn: "10.9.1.12"})
    far = far.changed("e1", settings={"IP Gateway": "10.0.2.1"})
    found = finding(written(far, {"probes/e1/ports-e2.txt": None, "probes/e1/ping-e2.txt": None}), "R09", "e1", "e2")

    assert found.outcome == UNKNOWN
    assert "default gateway 10.0.2.1 on LAN 2" in found.verdict.reason


# translation


def both_ends(client_there=A, server_there=B) -> tuple[bytes, bytes]:
    near = Talk(A, B, START, far=20.0, isn=1000)
    far = Talk(client_there, server_there, START + 10 * MS, far=0.0, near=20.0, isn=1000)
    return captured(near.open().close()), captured(far.open().close())


def test_captures_of_both_ends_that_agree(written) -> None:
    near, far = both_ends()
    before, after = outcomes(written(TWO, {})), outcomes(case := written(TWO, {seen("e1"): near, seen("e2"): far}))

    assert changed(before, after) == {}
    assert "captures show it so" in finding(case, "R10", "e1", "e2").verdict.reason


def test_captures_of_both_ends_that_differ(written) -> None:
    near, far = both_ends(client_there=("192.0.2.77", 61000))
    before, after = outcomes(written(TWO, {})), outcomes(case := written(TWO, {seen("e1"): near, seen("e2"): far}))

    assert changed(before, after) == {("R10", ("e1", "e2")): VIOLATION}
    assert "10.0.1.11 to 10.0.1.12:4372 at e1 is 192.0.2.77" in finding(case, "R10", "e1", "e2").verdict.reason


def test_a_static_nat_address_in_a_capture(written) -> None:
    talk = Talk(("203.0.113.11", 30000), B, START, far=0.0, near=20.0, isn=1000)
    case = written(TWO, {seen("e2"): captured(talk.open().close())})

    found = finding(case, "R10", "e1", "e2")
    assert (found.outcome, found.verdict.at_fault) == (VIOLATION, ("e1",))
    assert finding(case, "R12", "e2").outcome == PASS


def dig(name: str, address: str) -> str:
    return (
        f"; <<>> DiG 9.18.19 <<>> {name} A\n;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 7\n"
        ";; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0\n\n;; QUESTION SECTION:\n"
        f";{name}.\tIN\tA\n\n;; ANSWER SECTION:\n{name}. 300 IN A {address}\n\n"
        ";; Query time: 1 msec\n;; SERVER: 10.0.1.53#53(10.0.1.53) (UDP)\n"
        ";; WHEN: Fri May 01 11:00:00 UTC 2026\n;; MSG SIZE  rcvd: 60\n"
    )


@pytest.mark.parametrize(("address", "outcome"), [("203.0.113.12", VIOLATION), ("10.0.1.12", PASS)])
def test_dns_tells_where_no_mapping_does(tmp_path: Path, address: str, outcome: str) -> None:
    fqdn = TWO.peers[1].fqdn
    unmapped = replace(TWO, mapping={})
    unmapped = replace(unmapped, peers=tuple(p.changed(synchronised=False) for p in unmapped.peers))
    write_case(unmapped.with_files({"probes/e1/dig.txt": dig(fqdn, address)}), tmp_path / "c")

    assert finding(expdiag.load(tmp_path / "c"), "R10", "e1", "e2").outcome == outcome


def test_a_name_nothing_resolves(tmp_path: Path) -> None:
    unasked = {"probes/e1/dig.txt": "", "probes/e2/dig.txt": ""}
    write_case(replace(TWO, mapping={}).with_files(unasked), tmp_path / "c")

    assert finding(expdiag.load(tmp_path / "c"), "R10", "e1", "e2").outcome == UNKNOWN


# outside


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (scan("203.0.113.12"), PASS),
        (scan("203.0.113.12", "closed", "closed"), PASS),
        (scan("203.0.113.12", "open", "filtered"), VIOLATION),
        (scan("203.0.113.12").replace("4372/tcp", "5061/tcp"), UNKNOWN),
        (scan("10.0.1.12"), UNKNOWN),
        (scan("203.0.113.12") + scan("203.0.113.12").replace("4371/tcp filtered", "4370/tcp open    "), VIOLATION),
        (None, UNKNOWN),
    ],
)
def test_ports_tried_from_outside(written, text: str | None, outcome: str) -> None:
    found = finding(written(TWO, {"probes/outside/ports-e2.txt": text}), "R12", "e2")

    assert found.outcome == outcome, found.verdict.reason
    assert bool(found.verdict.want) == (outcome == UNKNOWN)


def test_a_stranger_that_is_answered(written) -> None:
    talk = Talk(("198.51.100.9", 40000), ("10.0.2.12", 4372), START, far=0.0, near=20.0)
    before, after = (
        outcomes(written(TWO, {})),
        outcomes(case := written(TWO, {seen("e2"): captured(talk.open().close())})),
    )

    assert changed(before, after) == {("R12", ("e2",)): VIOLATION}
    assert "see R12" in finding(case, "R27", "e2").verdict.reason


def device(rules: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'\n[[firewall]]\ndevice = "fw1"\npriority = {number}\naction = "{action}"\naddress = "{address}"\n'
        f'prefix_length = {0 if address == "0.0.0.0" else 32}\nservice = "Custom"\ntransport = "TCP"\n'
        "start_port = 4371\nend_port = 4372\n"
        for number, (action, address) in enumerate(rules, start=1)
    )


@pytest.mark.parametrize(
    ("rules", "there", "back"),
    [
        ([("allow", "10.0.1.11"), ("allow", "10.0.1.12"), ("drop", "0.0.0.0")], UNKNOWN, UNKNOWN),  # 1719 is not tried
        ([("drop", "10.0.1.11"), ("allow", "10.0.1.12"), ("drop", "0.0.0.0")], VIOLATION, UNKNOWN),
    ],
)
def test_a_firewall_between_whose_rules_are_stated(written, rules, there: str, back: str) -> None:
    gone = {"probes/e1/ports-e2.txt": None, "probes/e2/ports-e1.txt": None}
    case = written(TWO, {**gone, "case.toml": case_toml(TWO) + device(rules)})

    assert finding(case, "R11", "e1", "e2").outcome == there
    assert finding(case, "R11", "e2", "e1").outcome == back


def forward(*rules: str) -> str:
    lines = "\n".join(f"-A FORWARD {rule}" for rule in rules)
    return f"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n{lines}\nCOMMIT\n"


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        (forward("-s 10.0.1.11/32 -d 10.0.1.12/32 -p tcp --dport 4371:4372 -j ACCEPT"), UNKNOWN),  # not in front
        (forward("-d 10.0.2.12/32 -p tcp -j ACCEPT"), VIOLATION),
        (forward("-d 10.0.2.12/32 -p tcp --dport 443 -j ACCEPT"), PASS),
        (forward("-d 172.16.0.1/32 -j ACCEPT"), UNKNOWN),
    ],
)
def test_a_firewall_in_front_whose_rules_are_known(written, rules: str, outcome: str) -> None:
    case = written(TWO, {"probes/outside/ports-e2.txt": None, "probes/fw1/iptables-save.txt": rules})

    assert finding(case, "R12", "e2").outcome == outcome


def test_an_expressway_c_is_not_exposed(tmp_path: Path) -> None:
    write_case(healthy(2, type="C"), tmp_path / "c")

    assert finding(expdiag.load(tmp_path / "c"), "R12", "c1").outcome == NOT_APPLICABLE


# delay


def test_a_ping_and_a_capture_that_disagree_are_both_shown(written) -> None:
    talks = [Talk((A[0], 30000 + n), B, START + n * 10**9, far=120.0, isn=n + 1).open().close() for n in range(8)]
    case = written(TWO, {seen("e1"): captured(*talks)})

    for number in ("R07", "R08"):
        found = finding(case, number, "e1", "e2")
        assert found.outcome == VIOLATION
        assert "TCP in a capture" in found.verdict.reason
        assert "within it" in found.verdict.reason
        assert "ping" in found.verdict.reason
        files = {source.file.rpartition("/")[2] for source in found.sources}
        assert {"ping-e2.txt", "eth0_diagnostic_logging_tcpdump00_e1_2026-05-01.pcap"} <= files


# interfaces


def test_an_entry_that_is_the_external_interface(tmp_path: Path) -> None:
    listed = (TWO.peers[0].fqdn, "10.0.2.12")
    cluster = replace(TWO, peers=tuple(p.changed(peer_list=listed) for p in TWO.peers))
    write_case(cluster, tmp_path / "c")
    found = finding(expdiag.load(tmp_path / "c"), "E09", "e2")

    assert (found.outcome, found.verdict.at_fault) == (VIOLATION, ("e1", "e2"))


def test_one_interface_with_static_nat_is_left_open(tmp_path: Path) -> None:
    cluster = TWO.changed("e2", lan2_ipv4="", static_nat={1: "203.0.113.12"})
    write_case(cluster, tmp_path / "c")
    case = expdiag.load(tmp_path / "c")

    assert finding(case, "E10", "e2").outcome == UNKNOWN
    assert "How to Form a Cluster" in finding(case, "E10", "e2").verdict.reason
    assert finding(case, "E09", "e2").outcome == NOT_APPLICABLE


def test_without_exports_it_is_unknown(tmp_path: Path) -> None:
    cluster = healthy()
    write_case(replace(cluster, peers=cluster.peers[:2]), tmp_path / "c")
    case = expdiag.load(tmp_path / "c")

    for number in ("R27", "R28", "R12", "E09", "E10"):
        found = finding(case, number, "e3")
        assert found.outcome == UNKNOWN
        assert found.verdict.want
    assert finding(case, "R06").outcome == UNKNOWN


def test_a_peer_that_sent_nothing_is_known_by_its_address(tmp_path: Path) -> None:
    cluster = healthy()
    write_case(replace(cluster, peers=cluster.peers[:2]), tmp_path / "c")
    case = expdiag.load(tmp_path / "c")

    assert finding(case, "R27", "e1").outcome == finding(case, "R28", "e1").outcome == PASS


def test_answers_of_the_other_peer_tell_a_filter_from_a_missing_route(written) -> None:
    shut = network.tried(TWO.peers[0], "10.0.1.12", p4371="filtered", p4372="filtered")
    texts = {"probes/e1/ports-e2.txt": shut, "probes/e1/ping-e2.txt": None}
    before, after = outcomes(written(TWO, {})), outcomes(case := written(TWO, texts))

    assert changed(before, after) == {("R11", ("e1", "e2")): VIOLATION}
    assert "see R11" in finding(case, "R09", "e1", "e2").verdict.reason


def test_every_unknown_asks_and_every_verdict_shows_its_evidence(written) -> None:
    partial = [{rest("e1"): None}, {"probes/e1/ports-e2.txt": None}, {"probes/outside/ports-e2.txt": None}]
    for texts in partial:
        for found in expdiag.check(written(TWO, texts), ["R09", "R10", "R11", "R12", "R27", "R28", "E09", "E10"]):
            assert bool(found.verdict.want) == (found.outcome == UNKNOWN), found
            assert found.sources or found.outcome == UNKNOWN, found


def test_the_wanted_tries_settle_it(written) -> None:
    gone = {"probes/e1/ports-e2.txt": None, "probes/e1/ping-e2.txt": None}
    case = written(TWO, gone)
    wants = {want.kind: want.text for want in finding(case, "R11", "e1", "e2").verdict.want}
    assert "nc -zv -w 5 10.0.1.12 4371; nc -zv -w 5 10.0.1.12 4372; nc -zvu -w 5 10.0.1.12 1719" in wants["ports"]
    assert "probes/e1/ports-e2.txt" in wants["ports"]
    printed = "".join(f"Connection to 10.0.1.12 {port} port [tcp/*] succeeded!\n" for port in (4371, 4372))
    printed += "Connection to 10.0.1.12 1719 port [udp/*] succeeded!\n"

    after = written(TWO, {**gone, "probes/e1/ports-e2.txt": printed})

    assert finding(after, "R11", "e1", "e2").outcome == finding(after, "R09", "e1", "e2").outcome == PASS
