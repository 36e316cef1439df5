"""H.225 RAS: which message a datagram is and which request it belongs to. The rest of it is not read."""

from __future__ import annotations

from typing import NamedTuple

from expdiag.intake.capture import services
from expdiag.intake.capture.datagrams import Datagram
from expdiag.intake.capture.exchanges import Exchange, Exchanges, Seen
from expdiag.intake.capture.headers import text
from expdiag.intake.capture.stamps import moment
from expdiag.intake.reading import Harvest
from expdiag.tables import RasExchange

_REQUEST, _IN_PROGRESS = "request", "in-progress"


class Message(NamedTuple):
    """A RAS message; `kind` is `request`, `confirmed`, `rejected` or `in-progress`."""

    name: str
    kind: str
    sequence: int


def message(payload: bytes) -> Message | None:
    """Return which message aligned PER bytes are, None where they are none.

    A RasMessage begins with the extension bit of its CHOICE. Without it five bits number the message, whose own
    preamble follows at once; with it a small number, and the message in an open type, that is, behind its length.
    """
    if not payload:
        return None
    catalogue = services.facts()["ras"]
    if payload[0] & 0x80:
        known, index = catalogue["extensions"], payload[0] & 0x3F
        start = 1 + (2 if len(payload) > 1 and payload[1] & 0x80 else 1)
        if payload[0] & 0x40:
            return None
    else:
        known, index, start = catalogue["root"], payload[0] >> 2 & 0x1F, 0
    if index >= len(known):
        return None
    entry = known[index]
    at = start + entry["at"]
    if len(payload) < at + 2:
        return None
    return Message(entry["name"], entry["kind"], int.from_bytes(payload[at : at + 2], "big") + 1)


class Ras:
    """All RAS requests of a capture with their answers, up to a limit."""

    def __init__(self) -> None:
        self.exchanges = Exchanges("ras")
        self.unread = 0

    def take(self, datagram: Datagram) -> None:
        """Take a datagram from or to port 1719."""
        found = message(datagram.payload)
        if found is None:
            self.unread += 1
            return
        seen = Seen(datagram.number, datagram.time, datagram.ttl, found, found.kind != _IN_PROGRESS)
        if found.kind == _REQUEST:
            self.exchanges.ask(datagram.source, datagram.target, found.sequence, seen)
        else:
            self.exchanges.answer(datagram.target, datagram.source, found.sequence, seen)

    def add_rows(self, harvest: Harvest, end: int) -> None:
        """Put the rows into the harvest; `end` is the end of the capture."""
        for exchange in self.exchanges.all:
            harvest.add(_row(exchange, harvest, end))


def _row(exchange: Exchange, harvest: Harvest, end: int) -> RasExchange:
    client, server = text(exchange.client), text(exchange.server)
    asked, answered = exchange.asked, exchange.answered
    outcome = exchange.outcome(end)
    if outcome == "answered" and answered:
        outcome = answered.facts.kind
    way = f"{client} > {server}" if asked else f"{server} > {client}"
    return RasExchange(
        client=client,
        server=server,
        sequence=exchange.identity,
        request=asked.facts.name if asked else "",
        answer=answered.facts.name if answered else "",
        outcome=outcome,
        requests=exchange.requests,
        rtt=exchange.rtt,
        request_ttl=asked.ttl if asked else None,
        time=moment(exchange.first.time),
        source=harvest.note_packet(
            exchange.first.number, f"{way} {exchange.first.facts.name} requestSeqNum {exchange.identity}"
        ),
    )
