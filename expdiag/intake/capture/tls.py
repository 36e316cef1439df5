"""TLS handshakes out of TCP segments: put in order, cut into records and messages, as far as they are in clear."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from expdiag.intake.capture.hellos import (
    Hello,
    ShortError,
    alert_name,
    certificates,
    client_hello,
    server_hello,
)
from expdiag.intake.capture.stream import NO_TIME

_SERIAL = 1 << 32
_MOST_OF_A_SIDE = 2 << 20
_MOST_OF_ALL = 24 << 20
_MOST_CERTIFICATES = 16 << 20
_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _CERTIFICATE_REQUEST, _HELLO_DONE = 1, 2, 11, 13, 14
_LONGEST_RECORD = 16384 + 2048
_TLS13 = 0x0304
# An alert in a record of TLS 1.3: level, description, true type of the record, 16 bytes of tag. A Finished is longer.
_HIDDEN_ALERT = 19
# A whole record with an alert in clear: a segment of its own shows it also where bytes before it are missing.
_ALERT_IN_CLEAR = 7
# Stands for the random number of a server that asks for another ClientHello (RFC 8446, 4.1.3).
_RETRY = hashlib.sha256(b"HelloRetryRequest").digest()


class Segment(NamedTuple):
    """A TCP packet of a connection; `payload` is what was captured of `size` bytes."""

    number: int
    time: int
    to_server: bool
    flags: int
    sequence: int
    acknowledged: int
    size: int
    payload: bytes


class Store:
    """What all handshakes of a capture hold together.

    Attributes:
        held: bytes that wait for more.
        certificates: DER of the certificates that were sent, by their SHA-256; those beyond the limit are missing.
    """

    def __init__(self) -> None:
        self.held = 0
        self.certificates: dict[str, bytes] = {}
        self._size = 0

    def keep(self, der: bytes) -> str:
        """Keep a certificate once, up to a limit for all; return its fingerprint."""
        fingerprint = hashlib.sha256(der).hexdigest()
        if fingerprint not in self.certificates and self._size + len(der) <= _MOST_CERTIFICATES:
            self._size += len(der)
            self.certificates[fingerprint] = der
        return fingerprint


class Record(NamedTuple):
    """A TLS record."""

    type: int
    body: bytes


@dataclass(slots=True)
class Side:
    """The bytes one side sends.

    Attributes:
        next: sequence number of the byte to come; None before the first is known.
        position: bytes that came before it.
        pending: what came too early: position, payload, size.
        lost: bytes are missing, or they are no TLS; nothing more is read.
        ciphered: it has changed to ciphered messages.
        certificates: fingerprints of the certificates it sent; None where it sent none in clear.
        certificates_number: packet with the end of them.
    """

    next: int | None = None
    position: int = 0
    buffer: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes, int]] = field(default_factory=list)
    pending_bytes: int = 0
    message: bytearray = field(default_factory=bytearray)
    spoke: bool = False
    lost: bool = False
    ciphered: bool = False
    certificates: tuple[str, ...] | None = None
    certificates_number: int = 0

    @property
    def held(self) -> int:
        """Bytes that wait for more."""
        return len(self.buffer) + len(self.message) + self.pending_bytes

    def feed(self, sequence: int, payload: bytes, size: int) -> None:
        """Take a segment, wherever in the stream it lies."""
        if self.lost:
            return
        if self.next is None:
            self.next = sequence
        ahead = (sequence - self.next + _SERIAL // 2) % _SERIAL - _SERIAL // 2
        heapq.heappush(self.pending, (self.position + ahead, payload, size))
        self.pending_bytes += len(payload)
        while self.pending and self.pending[0][0] <= self.position and not self.lost:
            position, payload, size = heapq.heappop(self.pending)
            self.pending_bytes -= len(payload)
            self._append(payload, self.position - position, size)

    def _append(self, payload: bytes, known: int, size: int) -> None:
        """Take what is new of a segment of which so many bytes are known."""
        if known < size:
            self.buffer += payload[known:]
            self.position += size - known
            self.next = ((self.next or 0) + size - known) % _SERIAL
            self.lost = len(payload) < size

    def drop(self) -> None:
        """Give up."""
        self.lost = True
        self.clear()

    def clear(self) -> None:
        """Keep nothing that waits for more."""
        self.buffer, self.message, self.pending, self.pending_bytes = bytearray(), bytearray(), [], 0

    def records(self) -> Iterator[Record]:
        """Yield the records that are whole."""
        at = 0
        while len(self.buffer) - at >= 5:
            kind, major = self.buffer[at], self.buffer[at + 1]
            size = int.from_bytes(self.buffer[at + 3 : at + 5], "big")
            if kind not in (_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _DATA) or major != 3 or size > _LONGEST_RECORD:
                self.drop()
                return
            if len(self.buffer) - at < 5 + size:
                break
            yield Record(kind, bytes(self.buffer[at + 5 : at + 5 + size]))
            at += 5 + size
        del self.buffer[:at]

    def messages(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the handshake messages that are whole once a record is added."""
        self.message += body
        while len(self.message) >= 4:
            end = 4 + int.from_bytes(self.message[1:4], "big")
            if len(self.message) < end:
                return
            yield self.message[0], bytes(self.message[4:end])
            del self.message[:end]


@dataclass(slots=True)
class Handshake:
    """One TLS handshake, as far as it can be read.

    Attributes:
        number: packet with the beginning of the ClientHello; 0 before there is one.
        asked_time: last segment of the client before the server's first.
        answer_time: the server's first segment.
        last_time: last message that belongs to it.
        alert: alert that ended it, `hidden` where only its size shows it; empty without one.
        settled: nothing more is to be learned of it.
    """

    store: Store
    client: Side = field(default_factory=Side)
    server: Side = field(default_factory=Side)
    number: int = 0
    first_time: int = NO_TIME
    asked_time: int = NO_TIME
    answer_time: int = NO_TIME
    last_time: int = NO_TIME
    client_hello: Hello | None = None
    server_hello: Hello | None = None
    retried: bool = False
    requested: bool = False
    hello_done: bool = False
    finished: bool = False
    completed: bool = False
    alert: str = ""
    alert_from: str = ""
    settled: bool = False

    def expect(self, to_server: bool, sequence: int) -> None:
        """Take note where a side's bytes begin, as its SYN tells."""
        side = self.client if to_server else self.server
        side.next = sequence % _SERIAL

    def take(self, packet: Segment) -> bool:
        """Take a segment with payload; return False as soon as it shows that this is no TLS."""
        if self.settled:
            return True
        side = self.client if packet.to_server else self.server
        before = self.client.held + self.server.held
        side.feed(packet.sequence, packet.payload, packet.size)
        if not side.spoke and len(side.buffer) >= 3:
            side.spoke = True
            if side.buffer[0] not in (_HANDSHAKE, _ALERT) or side.buffer[1] != 3:
                return self._speaks_otherwise(before)
        if self.number == 0 and packet.to_server and side.spoke:
            self.number, self.first_time = packet.number, packet.time
        if self.answer_time == NO_TIME:
            if packet.to_server:
                self.asked_time = packet.time
            elif self.number:
                self.answer_time = packet.time
        if side.lost and len(packet.payload) == _ALERT_IN_CLEAR and packet.payload[:2] == b"\x15\x03":
            self._alerted(side, packet.payload[5], packet.payload[6], packet.time)
        for record in side.records():
            self._record(side, record, packet)
            if self.settled:
                break
        self._account(before)
        return True

    def _speaks_otherwise(self, before: int) -> bool:
        """A server that answers a ClientHello with something else ends the handshake."""
        self.settled = self.number > 0
        self._account(before)
        return self.settled

    def _account(self, before: int) -> None:
        """Keep the books of what is held, and give up what would be too much."""
        sides = (self.client, self.server)
        self.store.held += sum(side.held for side in sides) - before
        too_much = self.store.held > _MOST_OF_ALL
        for side in sides:
            if side.held and (self.settled or side.lost or too_much or side.held > _MOST_OF_A_SIDE):
                self.store.held -= side.held
                side.lost = side.lost or not self.settled
                side.clear()

    def _record(self, side: Side, record: Record, packet: Segment) -> None:
        time = packet.time
        hidden = self.retried or (self.server_hello is not None and self.server_hello.version == _TLS13)
        if record.type == _HANDSHAKE and not side.ciphered:
            self.last_time = time
            for kind, body in side.messages(record.body):
                self._message(side, kind, body, packet.number)
        elif record.type == _ALERT and not side.ciphered and len(record.body) == 2:
            self._alerted(side, record.body[0], record.body[1], time)
        elif record.type == _CHANGE_CIPHER and not hidden:
            side.ciphered = True
            self.last_time = time
            self.completed = self.client.ciphered and self.server.ciphered
            self.settled = self.completed
        elif record.type == _DATA and hidden:
            self._hidden(side, len(record.body), time)

    def _alerted(self, side: Side, level: int, description: int, time: int) -> None:
        if level == 1 and description != 0:
            return  # a warning does not end it
        self.alert = alert_name(description)
        self.alert_from = "client" if side is self.client else "server"
        self.last_time = time
        self.settled = True

    def _hidden(self, side: Side, size: int, time: int) -> None:
        """TLS 1.3 hides all behind its hellos: only the sizes of records tell a Finished from an alert."""
        if side is self.client and not self.finished:
            self.finished = self.completed = size > _HIDDEN_ALERT
            self.last_time = time
            if not self.finished:
                self.alert, self.alert_from, self.settled = "hidden", "client", True
        elif side is self.server and self.finished:
            if size <= _HIDDEN_ALERT:
                self.alert, self.alert_from, self.completed = "hidden", "server", False
                self.last_time = time
            self.settled = True

    def _message(self, side: Side, kind: int, body: bytes, number: int) -> None:
        try:
            if kind == _CLIENT_HELLO and side is self.client:
                self.client_hello = client_hello(body)
            elif kind == _SERVER_HELLO and side is self.server:
                if body[2:34] == _RETRY:
                    self.retried = True
                else:
                    self.server_hello = server_hello(body)
            elif kind == _CERTIFICATE:
                side.certificates = tuple(map(self.store.keep, certificates(body)))
                side.certificates_number = number
            elif kind == _CERTIFICATE_REQUEST and side is self.server:
                self.requested = True
            elif kind == _HELLO_DONE and side is self.server:
                self.hello_done = True
        except ShortError:
            side.drop()

    @property
    def client_certificate(self) -> str:
        """What became of the client's certificate, in the words of the table."""
        if self.server_hello and self.server_hello.version == _TLS13:
            return "hidden"
        if self.client.certificates:
            return "sent"
        if self.requested:
            return "requested"
        return "not requested" if self.hello_done else "unknown"
