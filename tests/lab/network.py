"""Builds the network of the plan: namespaces, wires, addresses, routes, filters, NAT.

It is for a process that has namespaces of its own for processes, mounts and network (see `launch`): names need not
be unique, and when that process ends the kernel takes everything away, however it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab import plan
from tests.lab.plan import BLOCKS, LINKS, NAT, NODES, End, Node

_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
_NAMES = Path("/run/netns")
# No ICMP error is held back for coming too often, or hops would be missing from traces; addresses are usable at once
_SYSCTLS: dict[str, int | str] = {
    "net.ipv4.icmp_ratemask": 0,
    "net.ipv6.icmp.ratemask": "",
    "net.ipv6.conf.all.accept_dad": 0,
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.all.accept_ra": 0,
}
_ROUTER_SYSCTLS = {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}


def run(*command: str, text: str = "") -> str:
    """Run a command that has to succeed; return what it prints.

    Raises:
        RuntimeError: it failed; the error holds what it printed.
    """
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} gave {done.returncode}: {done.stderr.strip()}\n{text}")
    return done.stdout


def on(node: str, *command: str) -> list[str]:
    """Return the command that runs a command on a node."""
    return ["ip", "netns", "exec", node, *command]


class Network:
    """The network while it is up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wire: subprocess.Popen[str] | None = None

    def build(self) -> None:
        """Build everything. Name lookups of all nodes go to the resolver of the plan."""
        _NAMES.mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "lab", str(_NAMES))
        resolver = self._folder / "resolv.conf"
        resolver.write_text(
            f"nameserver {plan.address(plan.DNS)}\nsearch {plan.DOMAIN}\noptions timeout:1 attempts:1\n"
        )
        run("mount", "--bind", str(resolver), os.path.realpath("/etc/resolv.conf"))
        for node in NODES:
            _add(node)
        self._lay_wires()
        for node in NODES:
            _configure(node)
            _filter(node.name)

    def _lay_wires(self) -> None:
        taps: list[int] = []
        links = []
        for number, link in enumerate(LINKS):
            pair = _tap(f"a{number}"), _tap(f"b{number}")
            taps += pair
            links.append([*pair, link.delay / 1e3, link.jitter / 1e3, link.loss])
            for name, end in ((f"a{number}", link.a), (f"b{number}", link.b)):
                run("ip", "link", "set", "dev", name, "mtu", str(link.mtu), "netns", end.node, "name", end.interface)
        self._wire = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("wire.py")), json.dumps(links)],
            pass_fds=taps,
            stdout=subprocess.PIPE,
            text=True,
        )
        for tap in taps:
            os.close(tap)
        assert self._wire.stdout
        if self._wire.stdout.readline() != "ready\n":
            raise RuntimeError("the wire does not start")

    def end(self) -> dict[str, Any]:
        """End the wire; return what it says of the frames it carried, and the counters of the routers' rules."""
        assert self._wire
        counted = {block.rule: _packets(block.node, number) for number, block in enumerate(BLOCKS)}
        self._wire.terminate()
        said, _ = self._wire.communicate(timeout=10)
        return {"wire": json.loads(said), "counted": counted}


def _tap(name: str) -> int:
    """Return the file of a new TAP device; it stays the device's when that moves into a namespace."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return tap


def _add(node: Node) -> None:
    run("ip", "netns", "add", node.name)
    settings = _SYSCTLS | (_ROUTER_SYSCTLS if node.forwards else {})
    run(*on(node.name, "sysctl", "-qw", *(f"{key}={value}" for key, value in settings.items())))


def _configure(node: Node) -> None:
    ends = plan.ends(node.name)
    lines = ["link set dev lo up"]
    for bridge, addresses in node.bridges.items():
        lines += [f"link add dev {bridge} type bridge", f"link set dev {bridge} up"]
        lines += _addresses(bridge, addresses)
    for end in ends:
        lines += _interface(end)
    lines += [f"route add {route}" for route in node.routes]
    run("ip", "-n", node.name, "-batch", "-", text="\n".join(lines) + "\n")


def _interface(end: End) -> list[str]:
    joined = [f"link set dev {end.interface} master {end.bridge}"] if end.bridge else []
    return [*joined, f"link set dev {end.interface} up", *_addresses(end.interface, end.addresses)]


def _addresses(interface: str, addresses: Sequence[str]) -> list[str]:
    return [f"addr add {a} dev {interface}{' nodad' if ':' in a else ''}" for a in addresses]


def _filter(node: str) -> None:
    rules = [f'{block.rule} comment "block {number}"' for number, block in enumerate(BLOCKS) if block.node == node]
    if rules:
        chain = "type filter hook forward priority 0; policy accept;"
        run(
            *on(node, "nft", "-f", "-"),
            text=f"table inet lab {{ chain across {{ {chain}\n{chr(10).join(rules)}\n}}\n}}\n",
        )
    if node == NAT.node:
        ports = ", ".join(map(str, NAT.ports))
        run(
            *on(node, "nft", "-f", "-"),
            text=f"""table ip nat {{
              chain after {{ type nat hook postrouting priority 100; oifname {NAT.outside} masquerade; }}
              chain before {{ type nat hook prerouting priority -100;
                iifname {NAT.outside} tcp dport {{ {ports} }} dnat to {NAT.private}
                iifname {NAT.outside} icmp type echo-request dnat to {NAT.private}
              }}
            }}\n""",
        )


def _packets(node: str, number: int) -> int:
    """Return how many packets the rule of a block has met."""
    rules = json.loads(run(*on(node, "nft", "-j", "list", "table", "inet", "lab")))["nftables"]
    (words,) = [entry["rule"]["expr"] for entry in rules if entry.get("rule", {}).get("comment") == f"block {number}"]
    return int(next(word["counter"]["packets"] for word in words if "counter" in word))
