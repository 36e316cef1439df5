"""Mtr's raw output: one line a packet, so every probe is a row.

`x hop sequence` was sent, `h hop address` answered (often repeated), `d hop name`, `m hop label …`, `p hop microseconds
sequence` is the answer's time. Hops count from 0 here and from 1 in the rows. The first round goes on beyond the target
until the target has answered, so it may show at several hops; the nearest counts. The target is not printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from expdiag import statistics
from expdiag.intake.reading import MAX_ROWS, TooMuchError
from expdiag.intake.trace import answers
from expdiag.intake.trace.run import Family, Place, Run
from expdiag.tables import Hop, RoundTrip

# x 2 33002        h 2 10.77.3.10        d 2 expc03.lab.test        m 1 24 0 1 1        p 2 30674 33002
_LINE = re.compile(
    r"(?P<kind>[xhdmp]) (?P<hop>[0-9]{1,2}) (?P<what>\S{1,255})(?: (?P<sequence>[0-9]{1,9}))?(?: [0-9]{1,9}){0,2}\s*",
    re.A,
)
_WHOLE = re.compile(r"[0-9]{1,9}", re.A)


@dataclass
class _Distance:
    """What was sent to one distance and what came back."""

    sent: int = 0
    last_round: int = 0
    address: str = ""
    label: str = ""
    answers: list[tuple[int, float, int]] = field(default_factory=list)  # number, milliseconds, source


class _Sent(NamedTuple):
    """A probe on its way: to which distance, the how manieth there, on which line, in which round."""

    ttl: int
    probe: int
    line: int
    round: int


class Raw(Run):
    """A run of `mtr --raw`."""

    tool = "mtr"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._at: dict[int, _Distance] = {}
        self._names: dict[str, str] = {}
        self._waiting: dict[int, _Sent] = {}
        self._numbered = False
        self._nearest_sent: int | None = None
        self._round = 0

    def take(self, number: int, line: str) -> bool:
        """Take one line."""
        found = _LINE.fullmatch(line)
        if found is None:
            return False
        self.report_unread("unrecognised")
        ttl, what = int(found["hop"]) + 1, found["what"]
        here = self._at.setdefault(ttl, _Distance())
        kind = found["kind"]
        if kind == "h" and answers.canonical(what):
            here.address, here.label = what, ""
        elif kind == "d":
            self._names[here.address] = what
        elif kind == "m" and _WHOLE.fullmatch(what):
            here.label = f"MPLS Label={what}"
        elif kind == "x" and _WHOLE.fullmatch(what) and int(what) not in self._waiting:
            self._send(ttl, here, int(what), number)
        elif not (kind == "p" and _WHOLE.fullmatch(what) and self._answer(ttl, here, found, number, line)):
            self.leave(number, line)
        return True

    def _send(self, ttl: int, here: _Distance, sequence: int, number: int) -> None:
        """Take a probe; another one to the nearest hop begins another round."""
        here.sent += 1
        self._numbered = True
        if self._nearest_sent is None or ttl <= self._nearest_sent:
            self._nearest_sent = ttl
            self._round += 1
        self._waiting[sequence] = _Sent(ttl, here.sent, number, self._round)

    def _answer(self, ttl: int, here: _Distance, found: re.Match[str], number: int, line: str) -> bool:
        """Take the time of an answer; one to a probe that was never sent is cut or no answer."""
        probe = len(here.answers) + 1
        sequence = int(found["sequence"] or -1)
        sent = self._waiting.get(sequence)
        if not here.address or (self._numbered and (sent is None or sent.ttl != ttl)):
            return False
        if self.at_open_end and not self._numbered:
            return False
        if sent and self._numbered:
            del self._waiting[sequence]
            probe, here.last_round = sent.probe, sent.round
        source = self.harvest.note(number, line)
        rtt = int(found["what"]) / 1000
        here.answers.append((probe, rtt, source))
        self._row(ttl, probe, here, rtt, source)
        return True

    def _row(self, ttl: int, probe: int, here: _Distance | None, rtt: float | None, source: int) -> None:
        address = here.address if here else ""
        hop = Hop(
            run=self.source,
            ttl=ttl,
            probe=probe,
            outcome="answered" if here else "lost",
            address=address,
            name=self._names.get(address, "") if here else "",
            rtt=rtt,
            sent=1,
            answered=int(here is not None),
            min=None,
            mean=None,
            max=None,
            deviation=None,
            detail=here.label if here else "",
            source=source,
        )
        if len(self.harvest.rows.get("hops", ())) >= MAX_ROWS:
            raise TooMuchError(f"more than {MAX_ROWS} probes; the rest of the file was not read")
        self.harvest.add(hop)

    def finish(self) -> None:
        """Add the lost probes, the run, and the round trips to its end."""
        self.report_unread("truncated")
        self._settle_unanswered()
        for ttl, here in sorted(self._at.items()):
            if here.answers:
                self.met(ttl, "answered", here.address, self._names.get(here.address, ""))
        self.ended = True
        super().finish()
        self._add_round_trip()

    def _settle_unanswered(self) -> None:
        """Probes without an answer are lost where a later round was answered, else it may only not be there yet.

        Answered as far away or farther, that is, or two rounds later at any hop: nearer hops answer sooner.
        """
        latest = max((here.last_round for here in self._at.values()), default=0)
        from_here_on, beyond = 0, {}
        for ttl in sorted(self._at, reverse=True):
            from_here_on = max(from_here_on, self._at[ttl].last_round)
            beyond[ttl] = from_here_on
        open_ = []
        for sequence, sent in self._waiting.items():
            if beyond[sent.ttl] > sent.round or latest >= sent.round + 2:
                source = self.harvest.note(sent.line, f"x {sent.ttl - 1} {sequence}")
                self._row(sent.ttl, sent.probe, None, None, source)
            else:
                self._at[sent.ttl].sent -= 1
                open_.append(sent)
        if open_:
            self.cut = True
            text = f"it ends before {len(open_)} probes could be answered; they are not counted"
            self.harvest.issue("truncated", text, open_[0].line)

    def _whether_reached(self, whole: bool) -> bool | None:
        """A target that is known by name only may have answered under its address."""
        if self.reached:
            return True
        return False if whole and self.address else None

    def _end(self) -> int | None:
        """Return the nearest distance of the host that answered farthest away."""
        answered = [ttl for ttl, here in self._at.items() if here.answers]
        if not answered:
            return None
        farthest = self._at[max(answered)].address
        return min(ttl for ttl in answered if self._at[ttl].address == farthest)

    def _add_round_trip(self) -> None:
        end = self._end()
        if end is None:
            return
        here = self._at[end]
        name = self._names.get(here.address, "")
        proved = self.is_target(here.address, name)
        if self.address and not proved:
            return
        sent = (
            here.sent if self._numbered and here.sent >= len(here.answers) else None
        )  # else a probe's line is missing
        rtts = [rtt for _, rtt, _ in here.answers]
        p95 = statistics.settled_p95((probe, rtt) for probe, rtt, _ in here.answers)
        low, high = statistics.wilson(sent - len(rtts), sent) if sent else (None, None)
        row = RoundTrip(
            vantage=self.vantage,
            target=self.target if proved and self.target else name or here.address,
            address=here.address,
            method=self.method,
            tool=self.tool,
            port=self.port,
            sent=sent,
            answered=len(rtts),
            loss=(sent - len(rtts)) / sent if sent else None,
            loss_low=low,
            loss_high=high,
            min=min(rtts),
            median=statistics.median(rtts),
            p95=p95,
            max=max(rtts),
            mean=sum(rtts) / len(rtts),
            deviation=None,
            jitter=statistics.jitter(rtts),
            first_time=None,
            last_time=None,
            complete=not self.cut,
            p95_line=next((source for _, rtt, source in here.answers if rtt == p95), None),
            source=self.source,
        )
        self.harvest.add(row)


def claims(line: str) -> bool:
    """Whether a line is one of raw output."""
    found = _LINE.fullmatch(line)
    if found is None:
        return False
    kind, what = found["kind"], found["what"]
    if kind == "h":
        return bool(answers.canonical(what)) and not found["sequence"]
    if kind == "d":
        return "." in what and not found["sequence"]
    return bool(_WHOLE.fullmatch(what)) and (kind == "p" or bool(found["sequence"]) == (kind == "m"))


def adopt(place: Place) -> Run | None:
    """Start at any line: raw output has no head."""
    return Raw(place) if claims(place.line) else None


FAMILY = Family(claims, adopt=adopt)
