"""nping: what it sent and what it received, each with a clock of its own; a run for each port.

A probe's number is its place among the packets to its port. A round trip is the difference of two stamps, to a tenth of
a millisecond, and only where TCP was answered before the next packet went out and no packet before it still waits. In
ICMP mode an answer is stamped when the next packet is sent, and the last one is not seen at all, so neither round trips
nor loss are used there. The figures of its summary mix errors with answers and ports with ports.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from expdiag.intake.ping.rows import finish, line_of, unresolved
from expdiag.intake.ping.run import Run, Session
from expdiag.intake.ping.words import ADDRESS, LONGEST_LINE, state_of

_WAY = r"(?P<way>SENT|RCVD|RECV)"
_AT = r"\((?P<at>[0-9]{1,7}\.[0-9]{1,6})s\)"
_FROM = rf"\[?(?P<from>{ADDRESS})\]?:(?P<from_port>[0-9]{{1,5}})"
_TO = rf"\[?(?P<to>{ADDRESS})\]?:(?P<to_port>[0-9]{{1,5}})"
# Starting Nping 0.7.93 ( https://nmap.org/nping ) at 2026-11-22 18:38 UTC
_HEAD = re.compile(
    r"^Starting Nping \S+ \( \S+ \) at (?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}) (?P<zone>[\w+-]+)$"
)
# SENT (0.0163s) TCP 10.77.1.10:44754 > 10.77.2.10:4371 S ttl=64 id=52884 iplen=40  seq=2800292160 win=1480
# RCVD (0.0308s) TCP 10.77.2.10:4371 > 10.77.1.10:44754 SA ttl=63 id=0 iplen=44  seq=2735568950 win=64240 <mss 1460>
_PACKET = re.compile(rf"^{_WAY} {_AT} (?P<protocol>TCP|UDP) {_FROM} > {_TO} (?P<flags>[A-Z]{{1,8}} )?ttl=")
# SENT (0.0169s) ICMP [10.77.1.10 > 10.77.2.10 Echo request (type=8/code=0) id=38480 seq=1] IP [ttl=64 id=56288 …
_ICMP = re.compile(
    rf"^{_WAY} {_AT} ICMP(?:v6)? \[?(?P<from>{ADDRESS}) > (?P<to>{ADDRESS}) (?P<what>[^\[\]]{{1,120}}?) "
    r"\(type=[0-9]+/code=[0-9]+\)(?: id=[0-9]+ seq=(?P<sequence>[0-9]{1,9}))?"
)
# SENT (0.0014s) Starting TCP Handshake > e2.lab.test:4371 (10.77.9.2:4371)
# RCVD (0.0245s) Handshake with 10.77.9.2:4371 completed
# RCVD (0.2236s) Possible TCP RST received from 10.77.9.2:4372 --> Connection refused
_HANDSHAKE = re.compile(
    rf"^{_WAY} {_AT} (?:Starting TCP Handshake >|Handshake with|Possible TCP RST received from) "
    rf"(?P<target>\S{{1,255}}):(?P<port>[0-9]{{1,5}})(?: \((?P<address>{ADDRESS}):[0-9]+\))?"
    r"(?P<end>| completed| --> Connection refused)$"
)
_NO_NAME = re.compile(r"^Failed to resolve given hostname/IP: (?P<target>\S{1,255}?)\.? ")
_SENT_TOTAL = re.compile(r"^(?:Raw packets sent|TCP connection attempts|UDP packets sent): (?P<sent>[0-9]{1,9}) ")
_DECORATION = re.compile(
    r"^(?:Max rtt: |Tx time: |Rx time: |Nping done: |Statistics for host |\|_? |WARNING: |Read data from |"
    r"UDP packets received)"
)
# Seconds after which nobody waits for an answer any more
_LONGEST_WAIT = 2.0
_MOST_WAITING = 10_000
_REMARK = "its time is not trusted"


@dataclass
class _Path:
    """The packets to one port; `waiting` holds the clocks of those that were not answered yet."""

    run: Run
    waiting: OrderedDict[int, float] = field(default_factory=OrderedDict)
    sent: int = 0


class Nping:
    """Follows the runs of all ports at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._harvest = session.harvest
        self._paths: dict[tuple[str, int | None], _Path] = {}
        self._latest: tuple[_Path, int] | None = None
        self._inside = False

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is one that only nping prints."""
        text = _text(line)
        return any(form.match(text) for form in (_HEAD, _PACKET, _ICMP, _HANDSHAKE))

    def take(self, number: int, line: str) -> bool:
        """Understand a line."""
        text = _text(line)
        if head := _HEAD.match(text):
            self.close()
            self._inside = True
            self._clock(head)
        elif packet := _PACKET.match(text):
            self._packet(packet, number, line)
        elif handshake := _HANDSHAKE.match(text):
            self._handshake(handshake, number, line)
        elif icmp := _ICMP.match(text):
            self._icmp(icmp, number, line)
        elif name := _NO_NAME.match(text):
            unresolved(name["target"], number, line, self._session, "nping")
        elif self._inside and (total := _SENT_TOTAL.match(text)):
            self._total(int(total["sent"]), number)
        else:
            return bool(self._inside and _DECORATION.match(text))
        return True

    def close(self) -> None:
        """End the runs."""
        for path in self._paths.values():
            run = path.run
            run.sent = path.sent if run.complete else None
            if run.method == "icmp" and run.answers:
                text = (
                    f"nping stamps an ICMP answer late and misses the last: no times, no loss of {run.target} are used"
                )
                self._harvest.issue("untrusted", text, line_of(run.source, self._harvest))
            finish(run, self._harvest)
        self._paths, self._latest, self._inside = {}, None, False

    def _clock(self, head: re.Match[str]) -> None:
        if head["zone"] in ("UTC", "GMT"):
            try:
                self._harvest.clock(datetime.strptime(head["time"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC))
            except ValueError:
                self._harvest.issue("clock", f"{head['time']} is no time")

    def _packet(self, found: re.Match[str], number: int, line: str) -> None:
        method = "tcp-syn" if found["protocol"] == "TCP" else "udp"
        if found["way"] == "SENT":
            if method == "tcp-syn" and "S" not in (found["flags"] or ""):
                method = "tcp"
            path = self._path(found["to"], found["to"], int(found["to_port"]), method, found["from"], number, line)
            self._sent(path, found)
            return
        path = self._path(found["from"], found["from"], int(found["from_port"]), method, found["to"], number, line)
        flags = (found["flags"] or "").strip()
        rtt, source = self._received(path, found, number, line, f"flags={flags}" if flags else "answered")
        if method == "udp" or {"S", "A"} <= set(flags):
            path.run.say("open", "", source, rtt=rtt, detail=f"flags={flags}" if flags else "")
        elif "R" in flags:
            path.run.say("refused", found["from"], source, rtt=rtt, detail=f"flags={flags}")

    def _handshake(self, found: re.Match[str], number: int, line: str) -> None:
        target = found["target"].strip("[]")
        address = found["address"] or (target if re.fullmatch(ADDRESS, target) else "")
        path = self._path(target, address, int(found["port"]), "tcp-syn", "", number, line)
        if found["way"] == "SENT":
            self._sent(path, found)
            return
        refused = "refused" in found["end"]
        what = "connection refused" if refused else "handshake completed"
        rtt, source = self._received(path, found, number, line, what)
        path.run.say("refused" if refused else "open", address if refused else "", source, rtt=rtt, detail=what)

    def _icmp(self, found: re.Match[str], number: int, line: str) -> None:
        if found["way"] == "SENT":
            path = self._path(found["to"], found["to"], None, "icmp", found["from"], number, line)
            self._sent(path, found)
        elif found["what"] == "Echo reply":
            path = self._path(found["from"], found["from"], None, "icmp", found["to"], number, line)
            path.run.answer(None, self._harvest.note(number, line), _sequence(found), detail="its time is not trusted")
        elif self._latest:
            self._error(*self._latest, found, number, line)
        else:
            self._harvest.issue("unrecognised", line, number)

    def _error(self, path: _Path, sequence: int, found: re.Match[str], number: int, line: str) -> None:
        """Take an ICMP error; it quotes a packet that is not printed, most likely the latest."""
        run, source, what = path.run, self._harvest.note(number, line), found["what"]
        timed = run.method != "icmp" and sequence in path.waiting and _only_one_waits(path, float(found["at"]))
        sent = path.waiting.pop(sequence, None)
        if sent is None and path.waiting:
            sequence, sent = path.waiting.popitem(last=False)
        if sent is not None:
            run.miss("error", source, sequence, detail=f"{what} (said by {found['from']})")
        if state := state_of(what, by_target=found["from"] == run.address):
            rtt = _difference(sent, found["at"]) if timed and sent is not None else None
            run.say(state, found["from"], source, rtt=rtt, detail=what)

    def _path(
        self, target: str, address: str, port: int | None, method: str, source: str, number: int, line: str
    ) -> _Path:
        key = (target, port)
        if key not in self._paths:
            run = Run(
                target,
                address,
                self._harvest.note(number, line),
                tool="nping",
                method=method,
                port=port,
                vantage=self._session.vantage(source),
                loss_counts=method.startswith("tcp"),
            )
            self._paths[key] = _Path(run)
            self._inside = True
        return self._paths[key]

    def _sent(self, path: _Path, found: re.Match[str]) -> None:
        path.sent += 1
        path.waiting[path.sent] = float(found["at"])
        if len(path.waiting) > _MOST_WAITING:
            path.waiting.popitem(last=False)
        self._latest = (path, path.sent)

    def _received(
        self, path: _Path, found: re.Match[str], number: int, line: str, what: str
    ) -> tuple[float | None, int]:
        """Take an answer of a port; return its round trip, where it can be trusted, and its source."""
        source = self._harvest.note(number, line)
        if not path.waiting:
            repeated = path.sent > 0
            path.sent += not repeated  # what it answers stood before the text begins
            path.run.answer(None, source, path.sent, repeated=repeated, detail=what)
            return None, source
        in_time = self._latest is not None and self._latest[0] is path and _only_one_waits(path, float(found["at"]))
        sequence, at = path.waiting.popitem(last=in_time)
        trusted = in_time and path.run.method.startswith("tcp")
        rtt = _difference(at, found["at"]) if trusted else None
        path.run.answer(rtt, source, sequence, detail=what if trusted else f"{what}; {_REMARK}")
        return rtt, source

    def _total(self, sent: int, number: int) -> None:
        listed = sum(path.sent for path in self._paths.values())
        if listed != sent:
            self._harvest.issue("contradiction", f"{sent} packets sent, {listed} of them listed", number)
        for path in self._paths.values():
            path.run.complete = listed == sent


def _only_one_waits(path: _Path, at: float) -> bool:
    """Whether an answer can be to no packet but the latest: all packets to a port look alike."""
    if len(path.waiting) < 2:
        return True
    before_last = next(sent for place, sent in enumerate(reversed(path.waiting.values())) if place == 1)
    return at - before_last > _LONGEST_WAIT


def _sequence(found: re.Match[str]) -> int | None:
    return int(found["sequence"]) if found["sequence"] else None


def _difference(sent: float, received: str) -> float | None:
    """Return the milliseconds between two stamps, which are given to a tenth of one; None where they run backwards."""
    passed = round((float(received) - sent) * 1000, 1)
    return passed if passed >= 0 else None


def _text(line: str) -> str:
    return "" if len(line) > LONGEST_LINE else line.strip()
