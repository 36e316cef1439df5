"""What is asked in the network, from where, in which order; what came of it is saved as a customer would save it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from tests.lab import plan
from tests.lab.network import on
from tests.lab.plan import NOBODY, OUTSIDE, PEERS, address, reached_at
from tests.lab.services import ALIAS, COLLAB_EDGE, DANGLING, SIPS, fqdn

PORTS = (4371, 4372, 5061, 8443)
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Probe:
    """A command on one node. `keys` of it are in the lab's folder, `{out}` stands for the file it writes by itself."""

    vantage: str
    name: str
    command: str

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
    """Return the probes that measure round trips: they run before anything that loads the machine."""
    probes = [
        Probe(a, f"ping-{b}.txt", f"ping -n -c 20 -i 0.25 {reached_at(b, a)}")
        for a, b in permutations(PEERS, 2)
    ]
    probes += [
        Probe(a, f"ping6-{b}.txt", f"ping -6 -n -c 20 -i 0.25 {address(b, 6)}") for a, b in permutations(_V6, 2)
    ]
    others = {a: " ".join(reached_at(b, a) for b in PEERS if b != a) for a in PEERS}
    return [
        *probes,
        Probe("e2", "ping-lossy.txt", f"ping -n -O -c 40 -i 0.1 {address('e3')}"),
        Probe("e2", "ping-quiet.txt", f"ping -q -c 20 -i 0.2 {address('e1')}"),
        Probe("e1", "ping-clock.txt", f"ping -n -D -O -c 15 -i 0.3 {plan.NAT.public}"),
        Probe("e1", "ping-nobody.txt", f"ping -n -c 4 -i 0.5 {NOBODY}"),
        Probe(OUTSIDE, "ping-e1.txt", f"ping -n -c 20 -i 0.25 {address('e1')}"),
        Probe(OUTSIDE, "ping6-e1.txt", f"ping -6 -n -c 20 -i 0.25 {address('e1', 6)}"),
        Probe(OUTSIDE, "ping-e2.txt", f"ping -n -c 5 -i 0.3 -W 1 {address('e2')}"),
        Probe("e1", "fping-C.txt", f"fping -C 10 -q -p 300 {others['e1']}"),
        Probe("e3", "fping-c.txt", f"fping -c 10 -p 300 {others['e3']}"),
        Probe("e4", "fping-q.txt", f"fping -c 10 -q -p 300 {others['e4']}"),
        Probe("e1", "fping6.txt", f"fping -6 -C 10 -q -p 300 {address('e2', 6)} {address('e3', 6)}"),
    ]


def paths() -> list[Probe]:
    """Return the probes that trace paths."""
    e1, e2, e3 = (address(peer) for peer in ("e1", "e2", "e3"))
    public = plan.NAT.public
    return [
        Probe("e1", "ping-name.txt", f"ping -c 10 -i 0.2 {fqdn('e3')}"),
        Probe("e1", "traceroute.txt", f"traceroute {fqdn('e3')}"),
        Probe("e1", "traceroute-n-e2.txt", f"traceroute -n {e2}"),
        Probe("e1", "traceroute-drop.txt", f"traceroute -n -T -p 4372 -m 6 -w 1 -q 1 {e3}"),
        Probe("e1", "traceroute6.txt", f"traceroute -6 -n {address('e3', 6)}"),
        Probe("e1", "traceroute-nobody.txt", f"traceroute -n -w 1 -m 6 {NOBODY}"),
        Probe("e2", "traceroute-tcp.txt", f"traceroute -n -T -p 4371 {e3}"),
        Probe("e3", "traceroute-icmp-nat.txt", f"traceroute -n -I {public}"),
        Probe("e4", "traceroute-nat.txt", f"traceroute -n {e3}"),
        Probe(OUTSIDE, "traceroute-prohibited.txt", f"traceroute -n -T -p 4371 -w 2 {e1}"),
        Probe("e1", "tracepath.txt", f"tracepath -n {e3}"),
        Probe("e4", "tracepath.txt", f"tracepath -n {e1}"),
        Probe("e3", "mtr-report.txt", f"mtr --report -n -c 10 -i 0.3 {e1}"),
        Probe("e1", "mtr.json", f"mtr -j -n -c 10 -i 0.3 {e3}"),
        Probe("e1", "mtr-wide.txt", f"mtr -rwb -c 10 -i 0.3 {e2}"),
        Probe("e4", "mtr.json", f"mtr -j -n -c 10 -i 0.3 {e3}"),
        Probe("e1", "mtr6.json", f"mtr -6 -j -n -c 10 -i 0.3 {address('e3', 6)}"),
        Probe("e2", "mtr-tcp.json", f"mtr -T -P 4371 -j -n -c 10 -i 0.3 {e3}"),
    ]


def doors() -> list[Probe]:
    """Return the probes that knock on ports, shake hands and look up names."""
    inside = " ".join(reached_at(peer, "e1") for peer in PEERS if peer != "e1")
    outside = " ".join(reached_at(peer, OUTSIDE) for peer in PEERS)
    ports = ",".join(map(str, PORTS))
    scan = f"nmap -Pn -n -sS --reason --max-rtt-timeout 400ms -p {ports}"
    return [
        Probe("e1", "nmap.xml", f"{scan} -oX {{out}} {inside}"),
        Probe("e3", "nmap.txt", f"{scan} {address('e1')} {address('e2')}"),
        Probe("e1", "nmap6.xml", f"{scan} -6 -oX {{out}} {address('e2', 6)} {address('e3', 6)}"),
        Probe("e1", "nmap-udp.xml", f"nmap -Pn -n -sU --reason -p 53,1719 -oX {{out}} {address('e3')}"),
        Probe(OUTSIDE, "nmap.xml", f"{scan} -oX {{out}} {outside}"),
        *(_handshake(a, b) for a, b in permutations(PEERS, 2)),
        Probe("e1", "s_client-drop.txt", f"timeout -s INT 3 openssl s_client -connect {address('e3')}:4372"),
        Probe("e1", "s_client-refused.txt", f"openssl s_client -connect {plan.NAT.public}:4372"),
        Probe("e1", "s_client-no-certificate.txt", f"openssl s_client -connect {address('e2')}:4372 -CAfile {{keys}}/ca.pem"),
        *_lookups(),
    ]


def _handshake(start: str, end: str) -> Probe:
    own = f"-cert {{keys}}/{start}.pem -key {{keys}}/{start}.key -CAfile {{keys}}/ca.pem"
    name = f"-servername {fqdn(end)} -verify_hostname {fqdn(end)}"
    return Probe(
        start, f"s_client-{end}.txt", f"openssl s_client -showcerts -connect {reached_at(end, start)}:4371 {own} {name}"
    )


def _lookups() -> Iterable[Probe]:
    questions = {
        "dig-a": f"dig {fqdn('e2')}",
        "dig-aaaa": f"dig AAAA {fqdn('e3')}",
        "dig-cluster": f"dig {plan.CLUSTER}",
        "dig-ptr": f"dig -x {address('e2')}",
        "dig-ptr6": f"dig -x {address('e3', 6)}",
        "dig-srv": f"dig SRV {SIPS}",
        "dig-srv-edge": f"dig SRV {COLLAB_EDGE}",
        "dig-srv-dangling": f"dig SRV {DANGLING}",
        "dig-srv-none": f"dig SRV _h323cs._tcp.{plan.DOMAIN}",
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
    return (Probe("e1", f"{name}.txt", command) for name, command in questions.items())


def ask(probes: Iterable[Probe], out: Path, keys: Path) -> dict[str, int]:
    """Run probes all at once and save what they print; return their exit codes by path."""
    running = {}
    for probe in probes:
        path = out / probe.path
        path.parent.mkdir(parents=True, exist_ok=True)
        by_itself = "{out}" in probe.command
        command = probe.command.replace("{out}", str(path)).replace("{keys}", str(keys)).split()
        with (keys / f"{probe.vantage}-{probe.name}.log" if by_itself else path).open("w") as shown:
            running[probe.path] = subprocess.Popen(
                on(probe.vantage, "timeout", str(_LONGEST), *command),
                stdin=subprocess.DEVNULL,
                stdout=shown,
                stderr=subprocess.STDOUT,
            )
    return {path: process.wait() for path, process in running.items()}


class Captures:
    """tcpdump at every place while the probes run."""

    def __init__(self, keys: Path) -> None:
        self._running = [
            subprocess.Popen(
                on(place.node, "tcpdump", "-U", "-n", "-Z", "root", "-i", place.interface, "-w", str(keys / place.file)),
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
