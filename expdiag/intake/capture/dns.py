"""DNS over UDP: questions with their answers."""

from __future__ import annotations

from typing import NamedTuple

from expdiag.intake.capture.datagrams import DNS, Datagram
from expdiag.intake.capture.exchanges import Exchange, Exchanges, Seen
from expdiag.intake.capture.headers import text
from expdiag.intake.capture.stamps import moment
from expdiag.intake.reading import Harvest
from expdiag.tables import DnsMessage

_HEADER = 12
_ANSWER, _TRUNCATED = 0x8000, 0x0200
_MOST_ANSWERS = 100


class Answer(NamedTuple):
    """What an answer says; `records` is None where they cannot be read."""

    status: str
    truncated: bool
    records: tuple[str, ...] | None


class Question(NamedTuple):
    """What ties an answer to its question."""

    identifier: int
    client_port: int
    name: str
    type: str


class Dns:
    """All questions of a capture with their answers, up to a limit."""

    def __init__(self) -> None:
        self.exchanges = Exchanges("dns_messages")
        self.unread = 0

    def take(self, datagram: Datagram) -> None:
        """Take a datagram from or to port 53."""
        if self.exchanges.full:
            self.exchanges.beyond += 1
            return
        flags = int.from_bytes(datagram.payload[2:4], "big")
        is_answer = bool(flags & _ANSWER)
        client_port = datagram.target_port if is_answer else datagram.source_port
        if (datagram.source_port if is_answer else datagram.target_port) != DNS:
            self.unread += 1
            return
        try:
            question = _question(datagram.payload, client_port)
        except Exception:  # the library has many, for bytes that are anything
            self.unread += 1
            return
        answer = _answer(datagram) if is_answer else None
        seen = Seen(datagram.number, datagram.time, datagram.ttl, answer)
        if is_answer:
            self.exchanges.answer(datagram.target, datagram.source, question, seen)
        else:
            self.exchanges.ask(datagram.source, datagram.target, question, seen)

    def add_rows(self, harvest: Harvest, end: int) -> None:
        """Put the rows into the harvest; `end` is the end of the capture."""
        for exchange in self.exchanges.all:
            harvest.add(_row(exchange, harvest, end))


def _question(wire: bytes, client_port: int) -> Question:
    import dns.name
    import dns.rdatatype

    name, used = dns.name.from_wire(wire, _HEADER)
    at = _HEADER + used
    if len(wire) < at + 4:
        raise ValueError("the question is cut")
    kind = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(int.from_bytes(wire[at : at + 2], "big")))
    shown = name.canonicalize().to_text(omit_final_dot=True)
    return Question(int.from_bytes(wire[:2], "big"), client_port, shown, kind)


def _answer(datagram: Datagram) -> Answer:
    import dns.message
    import dns.rcode
    import dns.rdatatype

    flags = int.from_bytes(datagram.payload[2:4], "big")
    status = dns.rcode.to_text(dns.rcode.Rcode(flags & 15))
    try:
        message = dns.message.from_wire(datagram.payload, ignore_trailing=True)
    except Exception:  # the library has many, for bytes that are anything
        return Answer(status, bool(flags & _TRUNCATED), None)
    records = [f"{dns.rdatatype.to_text(group.rdtype)} {item.to_text()}" for group in message.answer for item in group]
    return Answer(dns.rcode.to_text(message.rcode()), bool(flags & _TRUNCATED), tuple(records[:_MOST_ANSWERS]))


def _row(exchange: Exchange, harvest: Harvest, end: int) -> DnsMessage:
    question: Question = exchange.identity
    answer: Answer | None = exchange.answered.facts if exchange.answered else None
    client, server = text(exchange.client), text(exchange.server)
    way = f"{client} > {server}" if exchange.asked else f"{server} > {client}"
    return DnsMessage(
        client=client,
        server=server,
        identifier=question.identifier,
        name=question.name,
        type=question.type,
        status=answer.status if answer else exchange.outcome(end),
        truncated=answer.truncated if answer else False,
        answers=answer.records if answer else None,
        requests=exchange.requests,
        rtt=exchange.rtt,
        time=moment(exchange.first.time),
        source=harvest.note_packet(
            exchange.first.number, f"{way} DNS {question.type} {question.name} id 0x{question.identifier:04x}"
        ),
    )
