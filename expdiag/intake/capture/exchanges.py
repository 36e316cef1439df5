"""Questions and answers over ICMP and UDP, matched: what echoes, RAS, DNS and NTP have in common."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

from expdiag.intake.capture import services
from expdiag.intake.capture.headers import Address
from expdiag.intake.capture.stamps import between, seconds
from expdiag.intake.capture.stream import NO_TIME

_REPEATS_WITHIN = seconds(30)


class Seen(NamedTuple):
    """A packet with a question or an answer.

    Attributes:
        facts: what its format says besides.
        final: False for an answer that only says that another one comes.
    """

    number: int
    time: int
    ttl: int
    facts: Any
    final: bool = True


@dataclass(slots=True)
class Exchange:
    """A question and its answer, or either alone."""

    client: Address
    server: Address
    identity: Any
    asked: Seen | None = None
    answered: Seen | None = None
    requests: int = 0
    answers: int = 0
    first_answer: int = NO_TIME

    @property
    def first(self) -> Seen:
        """The question, else the answer."""
        found = self.asked or self.answered
        assert found is not None
        return found

    @property
    def settled(self) -> bool:
        """It has its answer."""
        return self.answered is not None and self.answered.final

    @property
    def rtt(self) -> float | None:
        """Milliseconds to the first answer; None where it is not known which question was answered."""
        return between(self.asked.time, self.first_answer) if self.asked and self.requests == 1 else None

    def outcome(self, end: int) -> str:
        """Return `answered`, `answer-only`, `no-answer`, or `cut` where the capture ends before it could be known."""
        if self.answered:
            return "answered" if self.asked else "answer-only"
        return "cut" if end - self.first.time < services.patience() and self.requests == 1 else "no-answer"


class Exchanges:
    """The exchanges of one protocol in the order they began, up to a limit."""

    def __init__(self, table: str) -> None:
        self.all: list[Exchange] = []
        self.beyond = 0
        self._most = services.most(table)
        self._waiting: dict[Hashable, Exchange] = {}

    @property
    def full(self) -> bool:
        """No more are kept."""
        return len(self.all) >= self._most

    def ask(self, client: Address, server: Address, identity: Any, seen: Seen) -> None:
        """Take a question; one like an unanswered question of the last half minute repeats it."""
        key = (client, server, identity)
        known = self._waiting.get(key)
        if known and known.asked and not known.settled and _soon(known.asked.time, seen.time):
            known.requests += 1
            return
        exchange = self._keep(Exchange(client, server, identity, asked=seen, requests=1))
        if exchange:
            self._waiting[key] = exchange

    def answer(self, client: Address, server: Address, identity: Any, seen: Seen) -> None:
        """Take an answer; one that is not final leaves the question open."""
        key = (client, server, identity)
        known = self._waiting.get(key)
        if known is None:
            known = self._keep(Exchange(client, server, identity))
            if known is None:
                return
            self._waiting[key] = known
        known.answers += 1
        if known.answered is None:
            known.first_answer = seen.time
        if known.answered is None or not known.answered.final:
            known.answered = seen

    def _keep(self, exchange: Exchange) -> Exchange | None:
        if self.full:
            self.beyond += 1
            return None
        self.all.append(exchange)
        return exchange


def _soon(start: int, end: int) -> bool:
    return NO_TIME not in (start, end) and abs(end - start) < _REPEATS_WITHIN
