"""NTP: requests with their answers, and how far the clock of the server is from that of the capturing machine."""

from __future__ import annotations

import struct
from typing import NamedTuple

from expdiag.intake.capture.datagrams import Datagram
from expdiag.intake.capture.exchanges import Exchange, Exchanges, Seen
from expdiag.intake.capture.headers import text
from expdiag.intake.capture.stamps import moment
from expdiag.intake.capture.stream import NANOSECONDS, NO_TIME
from expdiag.intake.reading import Harvest
from expdiag.tables import NtpExchange

# leap and mode, stratum, poll, precision, root delay and dispersion, reference, four times (set, origin, in, out)
_MESSAGE = struct.Struct(">BBbbII4s8s8s8s8s")
_ASKING, _ANSWERING = (1, 3), (2, 4, 5)
_LEAPS = ("none", "insert", "delete", "not synchronised")
_UNIX_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
_ERA = 1 << 32


class Clock(NamedTuple):
    """What a message says of the clock of its sender; times in nanoseconds since 1970."""

    version: int
    leap: str
    stratum: int
    reference: str
    root_delay: float
    root_dispersion: float
    received: int
    sent: int


class Ntp:
    """All requests of a capture with their answers, up to a limit."""

    def __init__(self) -> None:
        self.exchanges = Exchanges("ntp_exchanges")
        self.unread = 0

    def take(self, datagram: Datagram) -> None:
        """Take a datagram from or to port 123."""
        if len(datagram.payload) < _MESSAGE.size:
            self.unread += 1
            return
        fields = _MESSAGE.unpack_from(datagram.payload)
        mode = fields[0] & 7
        origin, received, sent = fields[-3:]
        clock = Clock(
            version=fields[0] >> 3 & 7,
            leap=_LEAPS[fields[0] >> 6],
            stratum=fields[1],
            reference=_reference(fields[1], fields[6], six=len(datagram.source) == 16),
            root_delay=fields[4] * 1000 / 65536,
            root_dispersion=fields[5] * 1000 / 65536,
            received=_unix(received),
            sent=_unix(sent),
        )
        seen = Seen(datagram.number, datagram.time, datagram.ttl, clock)
        if mode in _ASKING:
            self.exchanges.ask(datagram.source, datagram.target, sent, seen)
        elif mode in _ANSWERING:
            self.exchanges.answer(datagram.target, datagram.source, origin, seen)
        else:
            self.unread += 1

    def add_rows(self, harvest: Harvest, end: int) -> None:
        """Put the rows into the harvest; `end` is the end of the capture."""
        for exchange in self.exchanges.all:
            harvest.add(_row(exchange, harvest, end))


def _unix(stamp: bytes) -> int:
    """Return an NTP time; those of the first half of era 1 begin in 2036."""
    seconds, fraction = struct.unpack(">II", stamp)
    if seconds == fraction == 0:
        return NO_TIME
    if seconds < _ERA // 2:
        seconds += _ERA
    return int((seconds - _UNIX_EPOCH) * NANOSECONDS + (fraction * NANOSECONDS >> 32))


def _reference(stratum: int, reference: bytes, six: bool) -> str:
    """Return what a server follows: letters for a clock or a refusal, else an address, a hash of it for IPv6."""
    if stratum <= 1:
        return reference.rstrip(b"\0").decode("ascii", errors="replace")
    return reference.hex() if six else text(reference)


def _row(exchange: Exchange, harvest: Harvest, end: int) -> NtpExchange:
    client, server = text(exchange.client), text(exchange.server)
    answer: Clock | None = exchange.answered.facts if exchange.answered else None
    offset, delay = _offset(exchange)
    way = f"{client} > {server} request" if exchange.asked else f"{server} > {client} answer"
    return NtpExchange(
        client=client,
        server=server,
        version=exchange.first.facts.version,
        outcome=exchange.outcome(end),
        stratum=answer.stratum if answer else None,
        reference=answer.reference if answer else "",
        leap=answer.leap if answer else "",
        offset=offset,
        delay=delay,
        root_delay=answer.root_delay if answer else None,
        root_dispersion=answer.root_dispersion if answer else None,
        time=moment(exchange.first.time),
        source=harvest.note_packet(exchange.first.number, f"{way} NTP version {exchange.first.facts.version}"),
    )


def _offset(exchange: Exchange) -> tuple[float | None, float | None]:
    """Return offset and delay in milliseconds (RFC 5905, 8), the capture's clock in the place of the client's."""
    asked, answered = exchange.asked, exchange.answered
    if not asked or not answered or exchange.requests > 1:
        return None, None
    clock: Clock = answered.facts
    if NO_TIME in (asked.time, answered.time, clock.received, clock.sent):
        return None, None
    there, back = clock.received - asked.time, clock.sent - answered.time
    return (there + back) / 2_000_000, (there - back) / 1_000_000
