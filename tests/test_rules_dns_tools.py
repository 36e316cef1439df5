"""The rules of DNS against real tools that ask a real server: what it was told decides what is judged."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

import expdiag
from expdiag.findings import PASS, VIOLATION
from expdiag.scenarios.spec import ClusterSpec, healthy
from tests import resolver
from tests.judging import finding

E1, E2 = "e1.lab.test", "e2.lab.test"
V6 = {1: "fd77:5::11", 2: "fd77:5::12"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with resolver.serving() as number:
        yield number


@pytest.fixture(autouse=True)
def zone(monkeypatch) -> None:
    """Tell the server of a healthy cluster."""
    told = {
        (E1, "A"): ("10.0.1.11",),
        (E2, "A"): ("10.0.1.12",),
        ("11.1.0.10.in-addr.arpa", "PTR"): (f"{E1}.",),
        ("12.1.0.10.in-addr.arpa", "CNAME"): ("12.0-25.1.0.10.in-addr.arpa.",),
        ("12.0-25.1.0.10.in-addr.arpa", "PTR"): (f"{E2}.",),
        ("tms.lab.test", "CNAME"): ("srv.lab.test.",),
        ("srv.lab.test", "A"): ("10.0.9.9",),
        ("9.9.0.10.in-addr.arpa", "PTR"): ("srv.lab.test.",),
        ("_collab-edge._tls.lab.test", "SRV"): tuple(f"10 10 8443 e{n}.public.test." for n in (1, 2)),
        ("e1.public.test", "A"): ("203.0.113.11",),
        ("e2.public.test", "A"): ("203.0.113.12",),
        ("_sips._tcp.lab.test", "SRV"): tuple(f"10 10 5061 e{n}.public.test." for n in (1, 2)),
    }
    for question, data in told.items():
        monkeypatch.setitem(resolver.ZONE, question, data)
    for number, at in V6.items():
        monkeypatch.setitem(resolver.ZONE, (f"e{number}.lab.test", "AAAA"), (at,))
        monkeypatch.setitem(resolver.ZONE, (ipaddress.ip_address(at).reverse_pointer, "PTR"), (f"e{number}.lab.test.",))


def ran(port: int, host: str, tool: str, *commands: str) -> str:
    """Return a session in which a tool was run on a peer, with what it says on standard error."""
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed; Debian has it in bind9-dnsutils and bind9-host")
    text = ""
    for arguments in commands:
        server = {
            "dig": f"dig @127.0.0.1 -p {port} +time=1 +tries=1 {arguments}",
            "host": f"host -p {port} -W 1 {arguments} 127.0.0.1",
            "nslookup": f"nslookup -port={port} -timeout=1 -retry=0 {arguments} 127.0.0.1",
        }[tool]
        done = subprocess.run(
            server.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60, text=True
        )
        text += f"[root@{host} ~]# {server}\n{done.stdout}"
    return text


ADDRESSES = ("10.0.1.11", "10.0.1.12")
FORWARD = {"dig": f"{E1} A {E2} A", "host": f"-t A {E1}\x00-t A {E2}", "nslookup": f"{E1}\x00{E2}"}
REVERSE = {
    "dig": " ".join(f"-x {at}" for at in ADDRESSES),
    "host": "\x00".join(ADDRESSES),
    "nslookup": "\x00".join(ADDRESSES),
}
TOOLS = tuple(FORWARD)


def judged(case_of, spec: ClusterSpec, texts: dict[str, str]) -> expdiag.Case:
    empty = {f"probes/{where}/dig.txt": "" for where in ("e1", "e2", "outside")}
    return case_of(spec.with_files({**empty, **texts}))


SPEC = healthy(2, domain="lab.test", name="tools")
UNMAPPED = replace(SPEC, mapping={})


@pytest.mark.parametrize("tool", TOOLS)
def test_forward_and_reverse_with_a_classless_delegation(case_of, port, tool: str) -> None:
    text = ran(port, "e1", tool, *FORWARD[tool].split("\x00"), *REVERSE[tool].split("\x00"))

    case = judged(case_of, UNMAPPED, {"probes/e1/x.txt": text})

    found = {number: finding(case, number, "e1") for number in ("R32", "R33")}
    assert {number: f.outcome for number, f in found.items()} == {"R32": PASS, "R33": PASS}, found


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [(None, "NXDOMAIN"), ((), "no A record"), (("10.0.1.99",), "10.0.1.99")],
)
def test_what_is_wrong_with_a_name(case_of, port, monkeypatch, tool: str, answer, said: str) -> None:
    monkeypatch.delitem(resolver.ZONE, (E2, "AAAA"))
    if answer:
        monkeypatch.setitem(resolver.ZONE, (E2, "A"), answer)
    else:
        monkeypatch.delitem(resolver.ZONE, (E2, "A"))
    if answer == ():
        monkeypatch.setitem(resolver.ZONE, (E2, "TXT"), ('"x"',))
    text = ran(port, "e1", tool, *FORWARD[tool].split("\x00"))

    found = finding(judged(case_of, UNMAPPED, {"probes/e1/x.txt": text}), "R32", "e1")

    assert (found.outcome, said in found.verdict.reason) == (VIOLATION, True), found.verdict.reason


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["x.refused.test", "x.broken.test", "x.silent.test"])
def test_servers_that_refuse_fail_or_stay_silent(case_of, port, tool: str, name: str) -> None:
    spec = SPEC.changed("e1", ntp_servers=(name,))
    text = ran(port, "e1", tool, {"host": f"-t A {name}"}.get(tool, name))

    found = finding(judged(case_of, spec, {"probes/e1/x.txt": text}), "R34", "e1")

    assert found.outcome == VIOLATION, found.verdict.reason


@pytest.mark.parametrize("tool", TOOLS)
def test_an_alias_and_the_name_behind_it(case_of, port, tool: str) -> None:
    spec = SPEC.changed("e1", settings={"ExternalManager Address": "tms.lab.test"})
    asked = {"dig": ("tms.lab.test A -x 10.0.9.9",), "host": ("-t A tms.lab.test", "10.0.9.9")}
    text = ran(port, "e1", tool, *asked.get(tool, ("tms.lab.test", "10.0.9.9")))

    case = judged(case_of, spec, {"probes/e1/x.txt": text})

    assert {finding(case, number, "e1").outcome for number in ("R30", "R31", "R35")} == {PASS}


@pytest.mark.parametrize("tool", TOOLS)
def test_service_records_and_their_targets(case_of, port, monkeypatch, tool: str) -> None:
    names = ("_collab-edge._tls.lab.test", "_sips._tcp.lab.test")
    kind = {"dig": "{} SRV", "host": "-t SRV {}", "nslookup": "-type=SRV {}"}[tool]
    targets = [{"host": f"-t A e{n}.public.test"}.get(tool, f"e{n}.public.test") for n in (1, 2)]
    asked = (*(kind.format(name) for name in names), *targets)
    spec = SPEC.stating("services", b2b=True)

    case = judged(case_of, spec, {"probes/outside/x.txt": ran(port, "laptop", tool, *asked)})

    assert {finding(case, "R43", host).outcome for host in ("e1", "e2")} == {PASS}
    assert {finding(case, number).outcome for number in ("R42", "R44")} == {PASS}

    monkeypatch.setitem(resolver.ZONE, (names[0], "SRV"), ("10 10 8443 e1.public.test.",))
    monkeypatch.setitem(resolver.ZONE, (names[1], "SRV"), ("10 10 5061 e1.public.test.", "10 20 5061 e2.public.test."))
    worse = judged(case_of, spec, {"probes/outside/x.txt": ran(port, "laptop", tool, *asked)})
    assert [finding(worse, "R43", host).outcome for host in ("e1", "e2")] == [PASS, VIOLATION]
    assert [finding(worse, number).outcome for number in ("R42", "R44")] == [VIOLATION, PASS]


@pytest.mark.parametrize("tool", TOOLS)
def test_ipv6_both_ways(case_of, port, tool: str) -> None:
    peers = tuple(p.changed(ipv6=V6[n], settings={"IPProtocol": "IPv6"}) for n, p in enumerate(SPEC.peers, start=1))
    spec = replace(SPEC, peers=peers, mapping={p.fqdn: p.ipv6 for p in peers})
    kind = {"dig": "{} AAAA", "host": "-t AAAA {}", "nslookup": "-type=AAAA {}"}[tool]
    back = "-x {}" if tool == "dig" else "{}"
    addresses = (*V6.values(), *ADDRESSES)
    asked = (*(kind.format(name) for name in (E1, E2)), *(back.format(at) for at in addresses))

    case = judged(case_of, spec, {"probes/e1/x.txt": ran(port, "e1", tool, *asked)})

    assert {finding(case, number, "e1").outcome for number in ("R32", "R33")} == {PASS}


def test_packets_of_a_peer_show_what_it_gets(tmp_path) -> None:
    import dns.message
    import dns.rcode

    from expdiag.scenarios.write import write_case
    from tests.test_capture_messages import answer, datagram, question
    from tests.traffic import framed, pcap

    start = int(SPEC.as_of.timestamp() * 1000)
    asked = [
        (f"{E1}.", "A", (f"{E1}. 60 IN A 10.0.1.11",)),
        (f"{E2}.", "A", ()),
        ("11.1.0.10.in-addr.arpa.", "PTR", (f"11.1.0.10.in-addr.arpa. 60 IN PTR {E1}.",)),
        ("12.1.0.10.in-addr.arpa.", "PTR", (f"12.1.0.10.in-addr.arpa. 60 IN PTR {E2}.",)),
    ]
    frames = []
    for number, (name, kind, records) in enumerate(asked):
        asking = question(name, kind, number)
        code = dns.rcode.NOERROR if records else dns.rcode.NXDOMAIN
        frames.append(datagram(start + 10 * number, "10.0.1.11", "10.0.1.53", (40000 + number, 53), asking.to_wire()))
        reply = answer(asking, *records, rcode=code)
        frames.append(datagram(start + 10 * number + 5, "10.0.1.53", "10.0.1.11", (53, 40000 + number), reply))
    write_case(SPEC.with_files({f"probes/{where}/dig.txt": "" for where in ("e1", "e2")}), tmp_path / "c")
    (tmp_path / "c" / "eth0_diagnostic_logging_tcpdump00_e1.pcap").write_bytes(pcap(framed(frames)))

    case = expdiag.load(tmp_path / "c")

    assert finding(case, "R32", "e1").outcome == VIOLATION
    assert finding(case, "R33", "e1").outcome == PASS
    assert finding(case, "R32", "e1").sources[0].packet
