"""What is asked in the network, from where, in which order; what came of it is saved as a customer would save it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from tests.lab import plan
from tests.lab.network import on
from tests.lab.plan import NOBODY, OUTSIDE, PEERS, address, reached_at
from tests.lab.services import ALIAS, COLLAB_EDGE, DANGLING, SIPS, fqdn

TCP_PORTS = (4371, 4372, 5061, 8443)
UDP_PORTS = (53, 1719)
_LONGEST = 40
_APART = 0.03  # s; starting a process holds up those that measure


@dataclass(frozen=True, slots=True)
class Probe:
    """A command on one node, and what it is to measure.

    Attributes:
        vantage: node it runs on.
        name: name of the file that holds what it prints.
        command: run where the keys lie; `{out}` stands for that file where the command writes it by itself, and
            `{pace}` for the seconds between its probes.
        targets: addresses it probes.
        count: probes it sends to each, where it counts.
        session: saved as a terminal shows it, with prompt and command, because what it prints does not name the target.
    """

    vantage: str
    name: str
    command: str
    targets: tuple[str, ...] = ()
    count: int = 0
    session: bool = False

    @property
    def path(self) -> str:
        """Where its output lies, below `probes/`."""
        return f"{self.vantage}/{self.name}"


@dataclass(frozen=True, slots=True)
class Place:
    """A place where packets are captured: a node's interface, and the name of the file in the lab's folder."""

    node: str
    interface: str

    @property
    def file(self) -> str:
        """Name of the capture."""
        return f"{self.node}-{self.interface}.pcap"


PLACES = (Place("e1", "eth0"), Place("e3", "eth0"), Place("nc", "inside"), Place("nc", "outside"))
_V6 = [peer for peer in PEERS if address(peer, 6)]


def round_trips() -> list[Probe]:
    """Return the probes that measure round trips: they run before anything that loads the machine.

    Meanwhile the services come up, which nothing asks before that.
    """
    probes = [_ping(a, f"ping-{b}.txt", reached_at(b, a)) for a, b in permutations(PEERS, 2)]
    probes += [_ping(a, f"ping6-{b}.txt", address(b, 6), options="-6") for a, b in permutations(_V6, 2)]
    others = {a: tuple(reached_at(b, a) for b in PEERS if b != a) for a in PEERS}
    return [
        *probes,
        _ping("e2", "ping-lossy.txt", address("e3"), count=40, options="-O"),
        _ping("e2", "ping-quiet.txt", address("e1"), options="-q"),
        _ping("e1", "ping-clock.txt", plan.NAT.public, options="-D -O"),
        _ping("e1", "ping-nobody.txt", NOBODY, count=4),
        _ping(OUTSIDE, "ping-e1.txt", address("e1")),
        _ping(OUTSIDE, "ping6-e1.txt", address("e1", 6), options="-6"),
        _ping(OUTSIDE, "ping-e2.txt", address("e2"), count=5, options="-W 1"),
        _fping("e1", "fping-C.txt", others["e1"], "-C 10 -q"),
        _fping("e3", "fping-c.txt", others["e3"], "-c 10"),
        _fping("e4", "fping-q.txt", others["e4"], "-c 10 -q"),
        _fping("e1", "fping6.txt", (address("e2", 6), address("e3", 6)), "-6 -C 10 -q"),
    ]


def _ping(vantage: str, name: str, target: str, count: int = 20, options: str = "") -> Probe:
    return Probe(vantage, name, f"ping -n -i {{pace}} {options} -c {count} {target}", (target,), count)


def _fping(vantage: str, name: str, targets: tuple[str, ...], options: str) -> Probe:
    return Probe(vantage, name, f"fping -p 300 {options} {' '.join(targets)}", targets, 10)


def paths() -> list[Probe]:
    """Return the probes that trace paths."""
    e1, e2, e3 = (address(peer) for peer in ("e1", "e2", "e3"))
    e3_v6, public = address("e3", 6), plan.NAT.public
    mtr = "-c 20 -i 0.2"
    return [
        Probe("e1", "ping-name.txt", f"ping -4 -c 10 -i 0.2 {fqdn('e3')}", (e3,), 10),
        Probe("e1", "traceroute.txt", f"traceroute {fqdn('e3')}", (e3,)),
        Probe("e1", "traceroute-lan.txt", f"traceroute -n {e2}", (e2,)),
        Probe("e1", "traceroute-drop.txt", f"traceroute -n -T -p 4372 -m 6 -w 1 -q 1 {e3}", (e3,)),
        Probe("e1", "traceroute6.txt", f"traceroute -6 -n {e3_v6}", (e3_v6,)),
        Probe("e1", "traceroute-nobody.txt", f"traceroute -n -w 1 -m 6 {NOBODY}", (NOBODY,)),
        Probe("e2", "traceroute-tcp.txt", f"traceroute -n -T -p 4371 {e3}", (e3,)),
        Probe("e3", "traceroute-icmp-nat.txt", f"traceroute -n -I {public}", (public,)),
        Probe("e4", "traceroute-nat.txt", f"traceroute -n {e3}", (e3,)),
        Probe(OUTSIDE, "traceroute-prohibited.txt", f"traceroute -n -T -p 4371 -w 2 {e1}", (e1,)),
        Probe("e1", "tracepath.txt", f"tracepath -n {e3}", (e3,)),
        Probe("e4", "tracepath.txt", f"tracepath -n {e1}", (e1,)),
        Probe("e3", "mtr-report.txt", f"mtr --report -n {mtr} {e1}", (e1,), 20),
        Probe("e1", "mtr.json", f"mtr -j -n {mtr} {e3}", (e3,), 20),
        Probe("e1", "mtr-wide.txt", f"mtr -rwb {mtr} {e2}", (e2,), 20),
        Probe("e4", "mtr.json", f"mtr -j -n {mtr} {e3}", (e3,), 20),
        Probe("e1", "mtr6.json", f"mtr -6 -j -n {mtr} {e3_v6}", (e3_v6,), 20),
        Probe("e2", "mtr-tcp.json", f"mtr -T -P 4371 -j -n {mtr} {e3}", (e3,), 20),
    ]


def connections() -> list[Probe]:
    """Return what opens connections between all peers several times, for the captures to measure."""
    pairs = ((a, b, reached_at(b, a)) for a, b in permutations(PEERS, 2))
    nping = "nping --tcp-connect -p 4371 -c 8 --delay {pace}s"
    return [Probe(a, f"nping-{b}.txt", f"{nping} {target}", (target,), 8) for a, b, target in pairs]


def scans() -> list[Probe]:
    """Return the probes that knock on ports."""
    scan = f"nmap -Pn -n -sS --reason --max-rtt-timeout 400ms -p {','.join(map(str, TCP_PORTS))}"
    udp = f"nmap -Pn -n -sU --reason -p {','.join(map(str, UDP_PORTS))}"
    inside = tuple(reached_at(peer, "e1") for peer in PEERS if peer != "e1")
    outside = tuple(reached_at(peer, OUTSIDE) for peer in PEERS)
    v6 = (address("e2", 6), address("e3", 6))
    e1, e2, e3 = (address(peer) for peer in ("e1", "e2", "e3"))
    return [
        Probe("e1", "nmap.xml", f"{scan} -oX {{out}} {' '.join(inside)}", inside),
        Probe("e3", "nmap.txt", f"{scan} {e1} {e2}", (e1, e2)),
        Probe("e1", "nmap6.xml", f"{scan} -6 -oX {{out}} {' '.join(v6)}", v6),
        Probe("e1", "nmap-udp.xml", f"{udp} -oX {{out}} {e3}", (e3,)),
        Probe(OUTSIDE, "nmap.xml", f"{scan} -oX {{out}} {' '.join(outside)}", outside),
        Probe(
            "e1",
            "s_client-refused.txt",
            f"openssl s_client -connect {plan.NAT.public}:4372",
            (plan.NAT.public,),
            session=True,
        ),
    ]


def handshakes() -> list[Probe]:
    """Return the handshakes of every peer with every other one, and one without a certificate."""
    trust = "-CAfile ca.pem"
    bare = Probe(
        "e1", "s_client-no-certificate.txt", f"openssl s_client -connect {address('e3')}:4371 {trust}", session=True
    )
    return [bare, *(_handshake(a, b) for a, b in permutations(PEERS, 2))]


def _handshake(start: str, end: str) -> Probe:
    own = f"-cert {start}.pem -key {start}.key -CAfile ca.pem"
    name = f"-servername {fqdn(end)} -verify_hostname {fqdn(end)}"
    target = reached_at(end, start)
    command = f"openssl s_client -showcerts -connect {target}:4371 {own} {name}"
    return Probe(start, f"s_client-{end}.txt", command, (target,), session=True)


def lookups() -> list[Probe]:
    """Return the questions to resolvers: one of them is silent, one is none."""
    questions = {
        "dig-a": f"dig {fqdn('e2')}",
        "dig-aaaa": f"dig AAAA {fqdn('e3')}",
        "dig-cluster": f"dig {plan.CLUSTER}",
        "dig-ptr": f"dig -x {address('e2')}",
        "dig-ptr6": f"dig -x {address('e3', 6)}",
        "dig-srv": f"dig SRV {SIPS}",
        "dig-srv-edge": f"dig SRV {COLLAB_EDGE}",
        "dig-srv-dangling": f"dig SRV {DANGLING}",
        "dig-srv-none": f"dig SRV {fqdn('e2')}",
        "dig-nx": f"dig nosuch.{plan.DOMAIN}",
        "dig-cname": f"dig {ALIAS}",
        "dig-tcp": f"dig +tcp {fqdn('e4')}",
        "dig-elsewhere": "dig www.example.org",
        "dig-timeout": f"dig +time=1 +tries=1 @{address('e3')} {fqdn('e2')}",
        "dig-refused": f"dig +time=1 +tries=1 @{address('e2')} {fqdn('e2')}",
        "host-a": f"host {fqdn('e2')}",
        "host-ptr": f"host {address('e3')}",
        "host-srv": f"host -t SRV {SIPS}",
        "host-nx": f"host nosuch.{plan.DOMAIN}",
        "nslookup-a": f"nslookup {fqdn('e3')}",
        "nslookup-ptr": f"nslookup {address('e1')}",
        "nslookup-srv": f"nslookup -type=SRV {COLLAB_EDGE}",
        "nslookup-nx": f"nslookup nosuch.{plan.DOMAIN}",
    }
    return [Probe("e1", f"{name}.txt", command) for name, command in questions.items()]


def rulesets() -> list[Probe]:
    """Return what prints the rules of the routers, with what they have met."""
    nodes = sorted({block.node for block in plan.BLOCKS} | {plan.NAT.node})
    return [Probe(node, "nft.txt", "nft list ruleset") for node in nodes]


def ask(probes: Iterable[Probe], out: Path, keys: Path) -> dict[str, int]:
    """Run probes side by side and save what they print; return their exit codes by path."""
    running = {}
    for number, probe in enumerate(probes):
        time.sleep(_APART)
        path = out / probe.path
        path.parent.mkdir(parents=True, exist_ok=True)
        by_itself = "{out}" in probe.command
        with (keys / f"{probe.vantage}-{probe.name}.log" if by_itself else path).open("w") as shown:
            if probe.session:
                print(f"root@{probe.vantage}:~# {probe.command}", file=shown, flush=True)
            running[probe.path] = subprocess.Popen(
                on(probe.vantage, "timeout", str(_LONGEST), *_command(probe, path, number)),
                cwd=keys,
                stdin=subprocess.DEVNULL,
                stdout=shown,
                stderr=subprocess.STDOUT,
            )
    return {path: process.wait() for path, process in running.items()}


def _command(probe: Probe, path: Path, number: int) -> list[str]:
    """Return the command; each has a pace of its own, or two that meet once would meet each time."""
    pace = 0.2 + 0.007 * (number % 16)
    return probe.command.replace("{out}", str(path)).replace("{pace}", f"{pace:.3f}").split()


@contextmanager
def prompt() -> Iterator[None]:
    """Let what is started in this block go before other work: tools that take the time themselves would measure it."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Captures:
    """tcpdump at every place while the probes run."""

    def __init__(self, keys: Path) -> None:
        self._running = [
            subprocess.Popen(
                on(
                    place.node, "tcpdump", "-U", "-n", "-Z", "root", "-i", place.interface, "-w", str(keys / place.file)
                ),
                stdout=subprocess.DEVNULL,
                stderr=(keys / f"{place.file}.log").open("w"),
            )
            for place in PLACES
        ]
        deadline = time.monotonic() + 10
        while not all("listening on" in (keys / f"{place.file}.log").read_text() for place in PLACES):
            if time.monotonic() > deadline:
                raise RuntimeError("tcpdump does not start")
            time.sleep(0.05)

    def end(self) -> None:
        """End them; what they captured is then in their files."""
        time.sleep(0.3)
        for process in self._running:
            process.send_signal(signal.SIGINT)
        for process in self._running:
            process.wait(10)
