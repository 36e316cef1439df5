"""Traceroute of Linux, BSD, macOS, busybox and NX-OS, tcptraceroute, and of IOS, IOS-XE, IOS-XR and ASA.

A row is `ttl`, then what `answers.split` reads. Rows without a ttl go on with the hop before: another router that
answered there (BSD, IOS), or the labels it saw (NX-OS, Juniper).
"""

from __future__ import annotations

import re

from expdiag.intake.reading import whole_number
from expdiag.intake.trace import answers
from expdiag.intake.trace.run import Family, Place, Run, Unresolved

# traceroute to expc03 (10.77.3.10), 30 hops max, 60 byte packets
# traceroute6 to expc02 (fd77:2::10) from fd77:1::10, 64 hops max, 20 byte packets
_HEAD = re.compile(
    r"\s*(?P<tool>traceroute6?) to (?P<target>[^\s()]{1,255}) \((?P<address>[^()\s]{1,64})\)(?: from [^\s,]{1,255})?"
    r"(?:,? port (?P<port>[0-9]{1,5}))?,\s*(?P<hops>[0-9]{1,3}) hops max(?:, [0-9]{1,9} byte packets)?\s*",
    re.A,
)
# Tracing the path to expc03.lab.test (10.77.3.10) on TCP port 4371, 30 hops max
_TCP_HEAD = re.compile(
    r"\s*Tracing the path to (?P<target>[^\s()]{1,255})(?: \((?P<address>[^()\s]{1,64})\))? "
    r"on TCP port (?P<port>[0-9]{1,5})(?: \([^()]*\))?, (?P<hops>[0-9]{1,3}) hops max.*",
    re.A,
)
# Tracing the route to expc03.lab.test (10.77.3.10)
_CISCO_HEAD = re.compile(
    r"\s*Tracing the route to (?P<target>[^\s()]{1,255})(?: \((?P<address>[^()\s]{1,64})\))?\s*", re.A
)
_ROW = re.compile(r"\s*(?P<ttl>[0-9]{1,3})(?:\s+(?P<tail>\S.*))?", re.A)
# A run's further lines that are no rows: BSD's labels, NX-OS's labels, IOS's head lines
_LABELS = re.compile(r"\s+(?P<labels>MPLS Label=.+|\[(?:MPLS|Label)[^\[\]]*\]\s*)", re.A)
_CISCO_NOISE = re.compile(
    r"\s*(?:Type escape sequence to abort\.|VRF info: \(.*|Translating \".*"
    r"|(?:Target IP(?:v6)? address|Source address|Numeric display|Timeout in seconds|Probe count|Protocol|Port Number"
    r"|(?:Minimum|Maximum) Time to Live|Ingress traceroute|DSCP Value|Loose, Strict, Record, [\w, ]*)\b.*:.*)",
    re.A,
)
_TCP_NOISE = re.compile(r"\s*Selected device \S+, address \S+, port [0-9]+ for outgoing packets\s*", re.A)
# traceroute: Warning: expc03 has multiple addresses; using 10.77.3.10
_WARNING = re.compile(r"\s*traceroute6?: Warning: .* has multiple addresses; using \S+\s*", re.A)
# nosuch: Name or service not known
# Cannot handle "host" cmdline arg `nosuch' on position 1 (argc 1)
_LINUX_NO_NAME = re.compile(r"Cannot handle \"host\" cmdline arg `(?P<name>[^']{1,255})' on position .*", re.A)
_RESOLVER = re.compile(
    r"(?P<name>[^\s:]{1,255}): (?:Name or service not known|Temporary failure in name resolution)\s*", re.A
)
# traceroute: unknown host nosuch        traceroute: bad address 'nosuch'
_BSD_NO_NAME = re.compile(r"traceroute6?: (?:unknown host|bad address) '?(?P<name>[^\s']{1,255})'?\s*", re.A)
# connect: Network is unreachable        traceroute: sendto: No route to host
_LOCAL = re.compile(r"\s*(?:traceroute6?: )?(?:connect|sendto|send|sendmsg): (?P<what>[A-Z][\w ]{1,80})\s*", re.A)


class Traceroute(Run):
    """A run of rows as traceroute prints them."""

    def take(self, number: int, line: str) -> bool:
        """Take a row, a further line of a hop, or what the socket said."""
        if labels := _LABELS.fullmatch(line):
            return not self.at_open_end and self.say(labels["labels"].strip())
        if local := _LOCAL.fullmatch(line):
            self.ended = self.may_be_short = True
            state = "prohibited" if "permitted" in local["what"] else "unreachable"
            self.prove(state, answers.LOST, local["what"].strip(), self.harvest.note(number, line))
            return True
        ttl, tail = _row(line)
        if ttl and (self.last_ttl is None or ttl > self.last_ttl):
            return self._take_row(ttl, tail, number, line)
        if line[:1].isspace() and self.last_ttl is not None:
            return self._take_row(self.last_ttl, line.strip(), number, line)
        return False

    def _take_row(self, ttl: int, tail: str, number: int, line: str) -> bool:
        seen, unread = answers.split(tail)
        self.report_unread("unrecognised")
        if self.at_open_end and seen and self._may_lack_its_mark(seen):
            seen, unread = seen[:-1], unread or tail
        if unread or not seen:
            self.leave(number, line)
        if seen:
            self.see(ttl, seen, number, line)
            self._take_mtu(seen)
        return True

    def _may_lack_its_mark(self, seen: list[answers.Seen]) -> bool:
        """Whether the last probe of a row without a line end may be cut before `!X` or in `F=1500`.

        Only the target's answer is taken as it stands, in a row as long as the others and without marks.
        """
        last = seen[-1]
        word = last.detail.rpartition(" ")[2]
        is_marked = word.startswith("F=") or any(probe.outcome == "error" for probe in seen)
        is_short = len(seen) < max(self.probes.values(), default=1)
        is_target = self.is_target(last.address, last.name)
        return word == "!" or (last.outcome == "answered" and (is_marked or is_short or not is_target))

    def _take_mtu(self, seen: list[answers.Seen]) -> None:
        """Keep the size of `--mtu`, which is printed where it changes."""
        for probe in seen:
            _, found, size = probe.detail.partition("F=")
            if found:
                self.path_mtu = whole_number(size)


class TcpTraceroute(Traceroute):
    """A run of tcptraceroute, which says `[open]` or `[closed]` of the port."""

    tool = "tcptraceroute"


class CiscoTraceroute(Traceroute):
    """A run of IOS, IOS-XE, IOS-XR or ASA. Times are whole milliseconds: `0 msec` is what was printed."""


def begin(place: Place) -> Run | None:
    """Start a run at its head."""
    line = place.line
    if head := _HEAD.fullmatch(line):
        run = Traceroute(place, target=head["target"], address=head["address"])
        run.max_hops = whole_number(head["hops"])
        if head["port"]:
            run.port = whole_number(head["port"])
        return run
    if head := _TCP_HEAD.fullmatch(line):
        run = TcpTraceroute(place, target=head["target"], address=head["address"] or "")
        run.method, run.port, run.max_hops = "tcp-syn", whole_number(head["port"]), whole_number(head["hops"])
        return run
    if head := _CISCO_HEAD.fullmatch(line):
        return CiscoTraceroute(place, target=head["target"], address=head["address"] or "")
    if no_name := _RESOLVER.fullmatch(line) or _BSD_NO_NAME.fullmatch(line):
        return Unresolved(place, target=no_name["name"])
    return None


def adopt(place: Place) -> Run | None:
    """Start a run at a row whose head is missing."""
    return Traceroute(place) if _is_row(place.line) else None


def noise(line: str) -> bool:
    """Whether a line is one of those around a run that tell nothing of it."""
    return any(known.fullmatch(line) for known in (_CISCO_NOISE, _TCP_NOISE, _WARNING, _LINUX_NO_NAME))


def _row(line: str) -> tuple[int, str]:
    """Return distance and tail of a row; 0 where it is none."""
    row = _ROW.fullmatch(line)
    ttl = int(row["ttl"]) if row else 0
    return (ttl, row["tail"] or "") if row and ttl <= 255 else (0, "")


def _is_row(line: str) -> bool:
    ttl, tail = _row(line)
    seen, unread = answers.split(tail) if ttl else ([], "")
    return not unread and any(probe.outcome != "lost" for probe in seen)


def claims(line: str) -> bool:
    """Whether a line is a head or a whole row."""
    heads = (_HEAD, _TCP_HEAD, _CISCO_HEAD, _LINUX_NO_NAME, _BSD_NO_NAME)
    return any(head.fullmatch(line) for head in heads) or _is_row(line)


FAMILY = Family(claims, begin, adopt, noise)
