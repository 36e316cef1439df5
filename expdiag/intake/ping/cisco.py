"""Cisco IOS and IOS-XE: a run of signs, which may wrap, and a success rate; or a line a probe, where verbose.

Times are whole milliseconds, as printed; signs carry none, so only the shortest, the mean and the longest are known.
"""

from __future__ import annotations

import re

from expdiag.intake.ping.rows import MOST_PROBES, finish, line_of, unresolved
from expdiag.intake.ping.run import Run, Session
from expdiag.intake.ping.words import ADDRESS, COUNT, LONGEST_LINE

# Sending 5, 100-byte ICMP Echos to 10.77.2.10, timeout is 2 seconds:     a sweep: Sending 11, [1490..1500]-byte …
_HEAD = re.compile(
    rf"^Sending (?P<count>{COUNT}), \[?[0-9]+(?:\.\.[0-9]+\])?-byte ICMP Echos? to (?P<target>[^\s,]{{1,255}}),"
    r" timeout is [0-9]+ (?:milli)?seconds?:?$"
)
# Packet sent with a source address of 10.77.1.10
_SOURCE = re.compile(rf"^Packet sent with a source address of (?P<source>{ADDRESS})")
_SIGNS = re.compile(r"^[!.UNHPQMACI?&@BTRSX]+$")
# Reply to request 0 (4 ms) (size 1490)     Reply to request 0 received from 2001:DB8::2, 0 ms
_REPLY = re.compile(
    rf"^Reply to request (?P<sequence>{COUNT}) (?:received from {ADDRESS}, (?P<six>{COUNT}) ms|\((?P<rtt>{COUNT}) ms\))"
)
# Request 5 timed out (size 1500)
_TIMEOUT = re.compile(rf"^Request (?P<sequence>{COUNT}) timed out(?: \(size [0-9]+\))?\.?$")
# Unreachable from 10.77.1.1, maximum MTU 1400 (size 1490)
_UNREACHABLE = re.compile(rf"^(?P<what>Unreachable) from (?P<from>{ADDRESS})(?P<mtu>, maximum MTU [0-9]+)?")
# Success rate is 80 percent (4/5), round-trip min/avg/max = 1/2/4 ms
_RATE = re.compile(
    rf"^Success rate is [0-9]+ percent \((?P<received>{COUNT})/(?P<sent>{COUNT})\)"
    rf"(?:, round-trip min/avg/max = (?P<min>{COUNT})/(?P<mean>{COUNT})/(?P<max>{COUNT}) ms)?(?P<rest>,.*)?[\s.]*$"
)
# Translating "nosuch.lab.test"...domain server (10.77.7.53) [OK]
_LOOKUP = re.compile(r'^Translating "(?P<target>[^"\s]+)"')
_NO_NAME = re.compile(r"^% (?:Unrecognized host or address|Bad IP address|Unknown host)\b")
_AROUND = re.compile(r"^(?:Type escape sequence to abort\.?|\(size [0-9]+\))$")
_DECORATION = re.compile(
    r"^(?:Packet sent with (?:the DF bit set|a \S+ value of .*)|Packet has .*|Reply data will be validated|"
    r"Output Interface: .*|[0-9]+ multicast replies .*|Sending interval is .*)$"
)
# The dialogue of the extended command: Target IP address: 10.77.2.10
_DIALOGUE = re.compile(
    r"^(?:Protocol|Target IP(?:v6)? address|Repeat count|Datagram size|Timeout in seconds|Extended commands|"
    r"Ingress ping|Source address(?: or interface)?|DSCP(?: Value)?|Type of service|Set DF bit in IP header\?|"
    r"Validate reply data\?|Data pattern|Loose, Strict, Record, Timestamp, Verbose|Sweep range of sizes\??|"
    r"Sweep (?:min size|max size|interval)|UDP protocol\?|Verbose\?|Precedence|"
    r"Include (?:hop by hop|destination) option\?) ?(?:\[[^\]]*\])?:(?: .*)?$"
)
_OUTCOMES = {
    ".": ("lost", ""),
    "U": ("error", "U: unreachable"),
    "H": ("error", "H: host unreachable"),
    "N": ("error", "N: network unreachable"),
    "P": ("error", "P: port or protocol unreachable"),
    "@": ("error", "@: unreachable, reason unknown"),
    "A": ("error", "A: administratively prohibited"),
    "M": ("error", "M: could not fragment"),
    "B": ("error", "B: packet too big"),
    "Q": ("error", "Q: source quench"),
    "C": ("error", "C: congestion experienced"),
    "T": ("error", "T: time exceeded"),
    "&": ("error", "&: packet lifetime exceeded"),
    "R": ("error", "R: parameter problem"),
    "S": ("error", "S: source beyond scope"),
    "?": ("error", "?: unknown packet type"),
    "X": ("error", "X: unknown"),
}
_SAYS = {
    "U": "unreachable",
    "H": "unreachable",
    "N": "unreachable",
    "@": "unreachable",
    "A": "prohibited",
    "P": "refused",
}


class Cisco:
    """Follows runs line by line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._harvest = session.harvest
        self._run: Run | None = None
        self._asked = ""

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is one that only IOS prints."""
        text = line.strip()
        return bool(_HEAD.match(text) or _RATE.match(text) or _REPLY.match(text))

    def take(self, number: int, line: str) -> bool:
        """Understand a line."""
        text = line.strip()
        if self._run and self._run.sent is None and _SIGNS.match(text):
            self._signs(self._run, text, number, line)
            return True
        if len(text) > LONGEST_LINE:
            return False
        if head := _HEAD.match(text):
            self._head(head, number, line)
        elif lookup := _LOOKUP.match(text):
            self.close()
            self._asked = lookup["target"]
        elif _NO_NAME.match(text) and self._asked:
            unresolved(self._asked, number, line, self._session)
            self._asked = ""
        elif self._run is None or not self._inside(self._run, text, number, line):
            return bool(_AROUND.match(text) or _DIALOGUE.match(text))
        return True

    def close(self) -> None:
        """End the run."""
        if self._run and self._run.sent is not None and self._run.probes:
            self._compare(self._run)
        finish(self._run, self._harvest)
        self._run = None

    def _head(self, head: re.Match[str], number: int, line: str) -> None:
        self.close()
        target = head["target"]
        address = target if re.fullmatch(ADDRESS, target) else ""
        self._run = Run(
            self._asked or target, address, self._harvest.note(number, line), vantage=self._session.vantage()
        )
        self._asked = ""

    def _inside(self, run: Run, text: str, number: int, line: str) -> bool:
        if source := _SOURCE.match(text):
            run.vantage = run.vantage or source["source"]
        elif reply := _REPLY.match(text):
            rtt = float(reply["rtt"] or reply["six"])
            run.first = 0
            run.answer(rtt, self._harvest.note(number, line), int(reply["sequence"]))
        elif timeout := _TIMEOUT.match(text):
            run.first = 0
            run.miss("lost", self._harvest.note(number, line), int(timeout["sequence"]))
        elif error := _UNREACHABLE.match(text):
            source_ = self._harvest.note(number, line)
            said = f"Unreachable{error['mtu'] or ''} (said by {error['from']})"
            run.miss("error", source_, detail=said)
            if not error["mtu"]:
                run.say("unreachable", error["from"], source_, detail="Unreachable")
        elif rate := _RATE.match(text):
            self._rate(run, rate, number, line)
        else:
            return bool(_DECORATION.match(text))
        return True

    def _signs(self, run: Run, text: str, number: int, line: str) -> None:
        source = self._harvest.note(number, line)
        room = MOST_PROBES - len(run.probes)
        if len(text) > room:
            self._harvest.issue(
                "too-many", f"more than {MOST_PROBES} probes in one run; the rest is not listed", number
            )
        for sign in text[: max(room, 0)]:
            if sign == "!":
                run.answer(None, source)
            elif sign in _OUTCOMES:
                outcome, detail = _OUTCOMES[sign]
                run.miss(outcome, source, detail=detail)
                if state := _SAYS.get(sign):
                    run.say(state, "", source, detail=detail)

    def _rate(self, run: Run, rate: re.Match[str], number: int, line: str) -> None:
        run.sent, run.received, run.complete = int(rate["sent"]), int(rate["received"]), True
        run.source = self._harvest.note(number, line)
        if rate["rest"]:
            self._harvest.issue("truncated", f"the times of the ping of {run.target} are cut", number)
        if run.received and rate["min"]:  # some releases print times although nothing answered
            run.printed = {name: float(rate[name]) for name in ("min", "mean", "max")}

    def _compare(self, run: Run) -> None:
        listed = sum(1 for probe in run.probes if probe.outcome != "duplicate")
        if listed > (run.sent or 0):
            text = f"{listed} signs for {run.sent} probes; the success rate counts"
            self._harvest.issue("contradiction", text, line_of(run.source, self._harvest))
