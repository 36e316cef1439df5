"""`ss -tin`: what the system knows of its connections to the cluster ports of other peers.

`rtt` is the system's smoothed estimate and `minrtt` the shortest it saw: real round trips of the real traffic, but not
counted, so a row has no `sent` and `answered` is 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from expdiag.intake.ports.session import Command, Tool, host_and_port, is_command, reached, round_trip
from expdiag.intake.reading import Harvest

_PORTS = frozenset({4371, 4372})
_HEAD = re.compile(r"^(?:Netid +)?State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port")
# ESTAB 0      0         10.79.1.10:40014   10.79.2.10:4371 users:(("openssl",pid=5330,fd=3))
_SOCKET = re.compile(
    r"^(?:tcp +)?"
    r"(?P<state>ESTAB|SYN-(?:SENT|RECV)|FIN-WAIT-[12]|(?:TIME|CLOSE)-WAIT|LAST-ACK|CLOS(?:ING|ED?)|UNCONN|LISTEN)"
    r" +[0-9]+ +[0-9]+ +(?P<local>\S+:(?:[0-9]+|\*)) +(?P<peer>\S+:(?:[0-9]+|\*))(?: .*)?$",
    re.A,
)
_DETAIL_WORD = re.compile(r"\b(?:rto|mss|cwnd|wscale|cubic|bbr|reno|segs_out|skmem)\b", re.A)
_MS = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_RTT = re.compile(rf"(?:^|\s)rtt:(?P<mean>{_MS})/(?P<deviation>{_MS})(?:\s|$)", re.A)
_SHORTEST = re.compile(rf"(?:^|\s)minrtt:(?P<min>{_MS})(?:\s|$)", re.A)


@dataclass
class _Socket:
    state: str
    port: int | None
    address: str
    is_theirs: bool
    number: int
    line: str


class _Sockets:
    def __init__(self, harvest: Harvest, command: Command) -> None:
        self._harvest, self._vantage = harvest, command.host
        self._last: _Socket | None = None
        self._others = 0

    def take(self, number: int, line: str) -> bool:
        """Take a line: a connection, or what is known of the one before."""
        if found := _SOCKET.match(line):
            self._silent()
            self._open(found, number, line)
            if _RTT.search(line):  # `-O` puts all on one line
                self._measured(number, line)
            return True
        if _is_detail(line):
            self._measured(number, line)
            return True
        return _HEAD.match(line) is not None

    def _open(self, found: re.Match[str], number: int, line: str) -> None:
        local, peer = host_and_port(found["local"]), host_and_port(found["peer"])
        port = next((port for _, port in (peer, local) if port in _PORTS), None)
        if port is None or found["state"] == "LISTEN":
            self._others += 1
            self._last = None
            return
        is_theirs = peer[1] in _PORTS
        address = peer[0].removeprefix("::ffff:").partition("%")[0]
        self._last = _Socket(found["state"], port, address, is_theirs, number, line)
        if is_theirs and found["state"] in ("ESTAB", "SYN-SENT"):
            is_open = found["state"] == "ESTAB"
            self._harvest.add(
                reached(
                    self._harvest,
                    self._harvest.note(number, line),
                    "ss",
                    "open" if is_open else "not-open",
                    target=address,
                    port=port,
                    vantage=self._vantage,
                    detail="a connection stands" if is_open else "SYN-SENT: no answer yet",
                )
            )

    def _measured(self, number: int, line: str) -> None:
        socket, self._last = self._last, None
        found, shortest = _RTT.search(line), _SHORTEST.search(line)
        if socket is None or socket.state == "SYN-SENT" or not found:
            return
        source = self._harvest.note(number, f"{socket.line.strip()} {line.strip()}" if line != socket.line else line)
        self._harvest.add(
            round_trip(
                self._harvest,
                source,
                "ss",
                "tcp",
                address=socket.address,
                port=socket.port,
                vantage=self._vantage,
                shortest=float(shortest["min"]) if shortest else None,
                mean=float(found["mean"]),
                deviation=float(found["deviation"]),
            )
        )

    def _silent(self) -> None:
        if self._last and self._last.state == "ESTAB":
            self._harvest.issue(
                "no-round-trip", f"no round trip is shown; use ss -tin: {self._last.line}", self._last.number
            )
        self._last = None

    def finish(self, ended: bool) -> None:
        """Say how many connections were passed over."""
        self._silent()
        if self._others:
            self._harvest.issue("ignored", f"{self._others} connection(s) of other ports than 4371 and 4372")


def _is_detail(line: str) -> bool:
    return line[:1].isspace() and _DETAIL_WORD.search(line) is not None


def claims(first: list[str]) -> int:
    """Count the lines that look like this."""
    if not any(_HEAD.match(line) for line in first) and not any(is_command(line, "ss") for line in first):
        return 0
    return sum(1 for line in first if _HEAD.match(line) or _SOCKET.match(line) or _is_detail(line))


TOOL = Tool(("ss",), claims, _Sockets)
