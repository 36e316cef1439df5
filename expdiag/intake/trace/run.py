"""One run of a path tracer while it is read: its hops, and at its end what they prove."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from expdiag.intake.reading import MAX_ROWS, Harvest, TooMuchError
from expdiag.intake.trace.answers import Seen, canonical
from expdiag.intake.trace.command import Command
from expdiag.tables import Hop, Reachability, Trace

# What a mark says of the way to the target: RFC 792 and 1812 codes as traceroute, IOS and tracepath write them
_STATES = {
    **dict.fromkeys(("!X", "!A", "!Z", "<prohibited>"), "prohibited"),
    **dict.fromkeys(("!H", "!N", "!W", "!I", "!Q", "!T"), "unreachable"),
    **dict.fromkeys(("<syn,ack>", "<syn,ack,ecn>", "[open]"), "open"),
    **dict.fromkeys(("<rst,ack>", "<rst>", "[closed]"), "refused"),
}
_DEFAULT_MAX_HOPS = 30
_MAX_DETAIL = 1000
# !X   <syn,ack>   [open]
_MARK = re.compile(r"!(?:<[0-9]+>|\S*)|<[^<>]*>|\[[^\[\]]*\]")


class Place(NamedTuple):
    """Where a run begins: the line, and what the terminal around it tells.

    Attributes:
        harvest: takes rows and issues.
        host: machine the prompt names; empty where none does.
        command: what was called there; None where it is not shown.
        number: number of the line.
        line: its words.
        before: lines just before it that nobody could read, for a head that is only known by what follows.
    """

    harvest: Harvest
    host: str
    command: Command | None
    number: int
    line: str
    before: tuple[tuple[int, str], ...] = ()


class Run:
    """A run being read. A family says how its lines look in `take`, and calls `see` for each row of a hop."""

    tool = "traceroute"
    collects = False  # takes lines as they are, before anything else is looked for in them

    def __init__(self, place: Place, *, target: str = "", address: str = "") -> None:
        self.harvest = place.harvest
        self.vantage = place.harvest.vantage or place.host
        self.command = place.command
        self.line_number = place.number
        self.source = place.harvest.note(place.number, place.line)
        self.target = target or (place.command.target if place.command else "")
        self.address = address or canonical(self.target)
        self.method = place.command.method if place.command else ""
        self.port = place.command.port if place.command else None
        self.max_hops = place.command.max_hops if place.command else None
        self.path_mtu: int | None = None
        self.first_time: datetime | None = None
        self.ended = False  # the tool said that it was done, or stopped on an error
        self.cut = False  # the end is visibly missing
        self.unread: tuple[int, str] | None = None
        self.used: frozenset[int] = frozenset()  # numbers of the lines before it that are its head
        self.has_lines = False
        self.last_ttl: int | None = None
        self._arrivals: set[int] = set()  # distances at which the target's address answered
        self.others: set[int] = set()  # distances at which somebody before the target answered
        self.probes: dict[int, int] = {}
        self._last_answer: int | None = None  # position of that hop among the rows of the file
        self.at_open_end = False  # the line being taken is the last and has no end, so its last word may be cut
        self.may_be_short = False  # the last row may hold fewer probes than those before it
        self._proofs: dict[tuple[str, str], Reachability] = {}

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it belongs to this run."""
        raise NotImplementedError

    def see(self, ttl: int, probes: Iterable[Seen], number: int, line: str) -> None:
        """Take the probes of one row."""
        source = self.harvest.note(number, line)
        rows = self.harvest.rows.setdefault("hops", [])
        if ttl != self.last_ttl:
            self._last_answer = None
        for probe in probes:
            if len(rows) >= MAX_ROWS:
                raise TooMuchError(f"more than {MAX_ROWS} probes; the rest of the file was not read")
            if probe.outcome != "lost":
                self._last_answer = len(rows)
            self.probes[ttl] = self.probes.get(ttl, 0) + 1
            self.met(ttl, probe.outcome, probe.address, probe.name)
            self._prove(probe, source)
            self.harvest.add(
                Hop(
                    run=self.source,
                    ttl=ttl,
                    probe=self.probes[ttl],
                    outcome=probe.outcome,
                    address=probe.address,
                    name=probe.name,
                    rtt=probe.rtt,
                    sent=1,
                    answered=int(probe.outcome != "lost"),
                    min=None,
                    mean=None,
                    max=None,
                    deviation=None,
                    detail=probe.detail,
                    source=source,
                )
            )

    def say(self, text: str) -> bool:
        """Add to the detail of the last answer; return whether there is one."""
        hops = self.harvest.rows.get("hops", [])
        if self._last_answer is None or len(hops[self._last_answer].detail) > _MAX_DETAIL:
            return False
        said = f"{hops[self._last_answer].detail} {text}".strip()
        hops[self._last_answer] = hops[self._last_answer]._replace(detail=said)
        return True

    def met(self, ttl: int, outcome: str, address: str, name: str) -> None:
        """Remember who answered at a distance."""
        self.last_ttl = ttl
        if outcome == "lost":
            return
        if self.is_target(address, name):
            self.arrived(ttl)
        else:
            self.others.add(ttl)
        if outcome == "error":
            self.ended = True

    def arrived(self, ttl: int) -> None:
        """Remember that the target itself answered at a distance."""
        self._arrivals.add(ttl)

    def is_target(self, address: str, name: str) -> bool:
        """Whether a host that answered is the target, by its address, else by the name the command was given."""
        if address and self.address:
            return canonical(address) == canonical(self.address)
        wanted, shown = self.target.lower().rstrip("."), name.lower().rstrip(".")
        return bool(wanted and shown) and (shown == wanted or shown.startswith(f"{wanted}."))

    def _prove(self, probe: Seen, source: int) -> None:
        for mark in _MARK.findall(probe.detail):
            state = _STATES.get(mark.lower() if mark[0] in "<[" else mark)
            if state:
                self.prove(state, probe, mark, source)

    def prove(self, state: str, probe: Seen, detail: str, source: int) -> None:
        """Note what one probe proves about the target; the first of the same kind from the same host counts."""
        says = probe.address or probe.name
        by_tcp = state in ("open", "refused")
        if by_tcp:
            self.method = self.method or "tcp-syn"
        row = Reachability(
            vantage=self.vantage,
            target=self.target or self.address,
            address=self.address,
            port=self.port,
            transport=self.method.partition("-")[0],
            state=state,
            said_by="" if state == "open" else says,
            tool=self.tool,
            rtt=probe.rtt,
            time=None,
            detail=detail,
            source=source,
        )
        self._proofs.setdefault((state, says), row)

    def leave(self, number: int, text: str) -> None:
        """Keep what could not be read: at the end of the run it is a cut, before it a line nobody knows."""
        self.report_unread("unrecognised")
        self.unread = (number, text)

    def report_unread(self, kind: str) -> None:
        """Turn what could not be read into an issue."""
        if self.unread:
            self.harvest.issue(kind, self.unread[1], self.unread[0])
            self.unread = None

    @property
    def reached(self) -> bool:
        """Whether the target itself answered."""
        return bool(self._arrivals)

    @property
    def hops(self) -> int | None:
        """Distance of the target; None where it is not certain.

        It is certain where the target is the first hop, or somebody answered one hop before it. Where that hop is
        silent, the target may be nearer: probes are sent sixteen at a time, and a host that limits its ICMP answers
        leaves the first ones without any. A tool stops at the target: where the trace goes on after its address, that
        was a router which translates to it.
        """
        farthest = max(self._arrivals, default=None)
        is_certain = farthest == 1 or (farthest and farthest - 1 in self.others | self._arrivals)
        return farthest if is_certain else None

    def _is_whole(self) -> bool:
        """Whether the run came to an end: the target, an error or the last hop it would try, with all its probes."""
        counts = list(self.probes.values())
        is_short = len(counts) > 1 and not self.may_be_short and counts[-1] < max(counts[:-1])
        at_limit = (self.last_ttl or 0) >= (self.max_hops or _DEFAULT_MAX_HOPS)
        return not self.cut and not self.unread and not is_short and (self.reached or self.ended or at_limit)

    def finish(self) -> None:
        """Add the row of the run and what it proves."""
        whole = self._is_whole()
        self.report_unread("truncated")
        if not whole:
            self.harvest.issue("truncated", f"the {self.tool} to {self._goal()} ends before its end", self.line_number)
            if not self.has_lines:
                return
        if self.first_time:
            self.harvest.clock(self.first_time)
        for proof in self._proofs.values():
            self.harvest.add(
                proof._replace(target=self.target or self.address, transport=self.method.partition("-")[0])
            )
        self.harvest.add(
            Trace(
                vantage=self.vantage,
                target=self.target,
                address=self.address,
                tool=self.tool,
                method=self.method,
                port=self.port,
                max_hops=self.max_hops,
                reached=self._whether_reached(whole),
                hops=self.hops,
                path_mtu=self.path_mtu if self.reached else None,
                first_time=self.first_time,
                complete=whole,
                source=self.source,
            )
        )

    def _whether_reached(self, whole: bool) -> bool | None:
        if self.reached:
            return True
        return False if whole and (self.address or self.target) else None

    def _goal(self) -> str:
        return self.target or self.address or "a target that is not shown"


class Unresolved(Run):
    """A name that did not resolve, so nothing was traced."""

    def take(self, number: int, line: str) -> bool:
        """Take nothing: it is one line."""
        return False

    def finish(self) -> None:
        """Add what is known of the target."""
        proof = Reachability(
            vantage=self.vantage,
            target=self.target,
            address="",
            port=self.port,
            transport=self.method.partition("-")[0],
            state="unresolved",
            said_by="",
            tool=self.tool,
            rtt=None,
            time=None,
            detail="the name did not resolve",
            source=self.source,
        )
        self.harvest.add(proof)


def nothing(_: Place) -> None:
    """Begin no run."""


def never(_: str) -> bool:
    """Know no such line."""
    return False


class Family(NamedTuple):
    """What one family of tools prints.

    Attributes:
        claims: whether a line by itself is surely of this family.
        begin: starts a run at its head; asked first.
        adopt: starts a run at a line inside it, where the head is missing or is no sure sign; asked last.
        noise: whether a line belongs to the family and says nothing.
    """

    claims: Callable[[str], bool]
    begin: Callable[[Place], Run | None] = nothing
    adopt: Callable[[Place], Run | None] = nothing
    noise: Callable[[str], bool] = never
