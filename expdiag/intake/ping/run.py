"""A run of any program as far as it was read, and what a program's module has to offer."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from expdiag.intake.ping.words import state_of
from expdiag.intake.reading import Harvest
from expdiag.tables import Probe

_WRAP = 1 << 16


class Answer(NamedTuple):
    """An answered probe; `rtt` is None where its time is not shown, and an upper bound where `below` is set."""

    number: int
    rtt: float | None
    below: bool
    source: int


class Said(NamedTuple):
    """What an answer or an error says of the target, and where it first stands."""

    source: int
    rtt: float | None
    time: datetime | None
    detail: str


@dataclass
class Session:
    """What stands around the runs of a file: the prompt of the machine and the command it echoed."""

    harvest: Harvest
    host: str = ""
    command: str = ""

    def vantage(self, source: str = "") -> str:
        """Return where a run stood: the folder, else the prompt, else the source address the output shows."""
        return self.harvest.vantage or self.host or source


class Dialect(Protocol):
    """One program's output. It keeps the run it is in, and adds the rows when the run ends."""

    def __init__(self, session: Session) -> None: ...

    @staticmethod
    def claims(line: str) -> bool:
        """Whether nothing but this program prints such a line."""

    def take(self, number: int, line: str) -> bool:
        """Understand a line, or return False."""

    def close(self) -> None:
        """End the run."""


@dataclass
class Run:
    """A run as far as it was read.

    Attributes:
        source: the line that says most of it, the summary's last.
        first: number of its first probe, as the tool counts.
        sent, received: as the summary says, None where it does not.
        printed: figures of the summary in milliseconds.
        complete: nothing shows that its end is missing.
        has_summary: the program ends every run with one, so a missing one shows a cut.
        loss_counts: what was not answered was really lost.
    """

    target: str
    address: str
    source: int
    tool: str = "ping"
    method: str = "icmp"
    port: int | None = None
    vantage: str = ""
    first: int = 1
    sent: int | None = None
    received: int | None = None
    complete: bool = False
    has_summary: bool = True
    loss_counts: bool = True
    printed: dict[str, float] = field(default_factory=dict)
    probes: list[Probe] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    said: dict[tuple[str, str], Said] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)
    _nameless: deque[int] = field(default_factory=deque)
    _last: int = 0

    def answer(
        self,
        rtt: float | None,
        source: int,
        sequence: int | None = None,
        *,
        time: datetime | None = None,
        detail: str = "",
        below: bool = False,
        repeated: bool = False,
    ) -> None:
        """Take an answer; the second to the same number is a duplicate, one to a number given up replaces the loss."""
        number = self._number(sequence)
        earlier = self._places.get(number)
        if repeated or (earlier is not None and self.probes[earlier].outcome == "answered"):
            self._add(Probe(0, sequence, "duplicate", rtt, time, detail, source))
            return
        probe = Probe(0, sequence, "answered", None if below else rtt, time, detail, source)
        self.answers.append(Answer(number, rtt, below, source))
        if earlier is None:
            self._add(probe, number)
        else:
            self.probes[earlier] = probe

    def miss(
        self,
        outcome: str,
        source: int,
        sequence: int | None = None,
        *,
        time: datetime | None = None,
        detail: str = "",
        named_later: bool = False,
    ) -> None:
        """Take a probe that was not answered; `named_later` where a time-out still tells its number."""
        if sequence is None:
            if named_later:
                self._nameless.append(len(self.probes))
            self._add(Probe(0, None, outcome, None, time, detail, source))
            return
        number = self._number(sequence)
        if number in self._places:
            return
        if outcome == "lost" and self._nameless:
            index = self._nameless.popleft()
            self.probes[index] = self.probes[index]._replace(sequence=sequence)
            self._places[number] = index
            return
        self._add(Probe(0, sequence, outcome, None, time, detail, source), number)

    def error(
        self,
        what: str,
        by: str,
        source: int,
        sequence: int | None = None,
        *,
        time: datetime | None = None,
        named_later: bool = False,
    ) -> None:
        """Take an error; where its words are a statement about the target, note who made it."""
        detail = f"{what} (said by {by})" if by else what
        self.miss("error", source, sequence, time=time, detail=detail, named_later=named_later)
        if state := state_of(what, by_target=bool(by) and by == self.address):
            self.say(state, by, source, time=time, detail=what)

    def knows(self, sequence: int) -> bool:
        """Whether a probe of this number is there."""
        return sequence in self._places

    def say(
        self,
        state: str,
        by: str,
        source: int,
        *,
        rtt: float | None = None,
        time: datetime | None = None,
        detail: str = "",
    ) -> None:
        """Note a statement about the target; the first of its kind stands for all."""
        self.said.setdefault((state, by), Said(source, rtt, time, detail))

    def _add(self, probe: Probe, number: int | None = None) -> None:
        if number is not None:
            self._places[number] = len(self.probes)
        self.probes.append(probe)

    def _number(self, sequence: int | None) -> int:
        """Return the running number of a probe: sequences of 16 bits start again at 0; without one, the position."""
        if sequence is None:
            return self.first + len(self.probes)
        number = sequence
        if self._last >= _WRAP >> 1 and sequence < _WRAP:
            number += self._last - self._last % _WRAP
            if self._last - number > _WRAP >> 1:
                number += _WRAP
        self._last = max(self._last, number)
        return number

    def add_lost(self) -> None:
        """What the tool sent and never printed again is lost; known only where it printed answers, or got none."""
        if not self.sent or not self.loss_counts or not (self.answers or self.received == 0):
            return
        if len(self.answers) < (self.received or 0):
            return
        missing = self.sent - sum(probe.outcome != "duplicate" for probe in self.probes)
        if missing <= 0:
            return
        unseen = (n for n in range(self.first, self.first + self.sent) if n not in self._places)
        numbered = bool(self.probes) and all(probe.sequence is not None for probe in self.probes)
        for _ in range(missing):
            sequence = next(unseen, None) if numbered else None
            wrapped = None if sequence is None else sequence % _WRAP
            self.probes.append(Probe(0, wrapped, "lost", None, None, "", self.source))
