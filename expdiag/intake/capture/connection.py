"""One TCP connection: how it was opened, what it carried, how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from expdiag.intake.capture import services
from expdiag.intake.capture.stamps import between
from expdiag.intake.capture.stream import NO_TIME
from expdiag.intake.capture.tcp import ACK, RST, SERIAL, SYN, Key
from expdiag.intake.capture.tls import Handshake, Segment, Store


@dataclass(slots=True)
class Flow:
    """What one direction of a connection carried."""

    packets: int = 0
    bytes: int = 0
    repeated: int = 0
    ttl: int | None = None
    next: int | None = None


@dataclass(slots=True)
class Opening:
    """A SYN or a SYN-ACK: the first of them, and how often it was sent before it was answered."""

    number: int
    time: int
    sequence: int
    mss: int | None
    ttl: int
    sent: int = 1
    sent_before_answer: int = 1


@dataclass(slots=True)
class Reset:
    """The first reset of a connection."""

    number: int
    time: int
    by_server: bool
    ttl: int


@dataclass(slots=True)
class Connection:
    """A connection as far as it was seen; times are nanoseconds.

    Attributes:
        number: its first packet.
        watched: its packets are still looked at one by one.
        may_be_tls: no payload shows that it is no TLS.
        handshake: its TLS handshake; None before there is payload, and where it is not one.
        answered: the client acknowledged a SYN-ACK, whether that is in the capture or passed out of its sight.
    """

    key: Key
    store: Store
    number: int
    first_time: int
    last_time: int
    to_server: Flow = field(default_factory=Flow)
    to_client: Flow = field(default_factory=Flow)
    syn: Opening | None = None
    syn_ack: Opening | None = None
    answered: bool = False
    ack_time: int = NO_TIME
    reset: Reset | None = None
    fins: int = 0
    watched: bool = True
    may_be_tls: bool = True
    handshake: Handshake | None = None

    @property
    def far_half(self) -> float | None:
        """SYN to SYN-ACK in milliseconds; None where it is not known which SYN was answered."""
        if not self.syn or not self.syn_ack or self.syn.sent_before_answer > 1:
            return None
        return between(self.syn.time, self.syn_ack.time)

    @property
    def near_half(self) -> float | None:
        """SYN-ACK to ACK in milliseconds; None where it is not known which SYN-ACK was answered."""
        if not self.syn_ack or self.syn_ack.sent_before_answer > 1:
            return None
        return between(self.syn_ack.time, self.ack_time)

    @property
    def rtt(self) -> float | None:
        """The round trip in milliseconds, wherever the capture stood."""
        if self.far_half is None or self.near_half is None or not self.syn:
            return None
        return between(self.syn.time, self.ack_time)

    @property
    def tls_rtt(self) -> float | None:
        """ClientHello to the server's first answer and the client's half; None where data was sent again."""
        if not self.handshake or self.near_half is None or self.to_server.repeated or self.to_client.repeated:
            return None
        far_half = between(self.handshake.asked_time, self.handshake.answer_time)
        return None if far_half is None else far_half + self.near_half

    @property
    def refused(self) -> bool:
        """A reset of the server's address answers the SYN."""
        return bool(self.syn and not self.syn_ack and self.reset and self.reset.by_server)

    def outcome(self, end: int) -> str:
        """Return what became of it, as far as its own packets show; `end` is the end of the capture."""
        if not self.syn:
            return "joined"
        if self.refused:
            return "refused"
        if self.answered:
            return "established"
        just_now = end - self.last_time < services.patience()
        if self.syn_ack:
            return "cut" if just_now else "half-open"
        if self.to_client.packets:
            return "half-open"
        return "cut" if just_now and self.syn.sent == 1 else "no-answer"

    def take(self, packet: Segment, ttl: int, options: bytes) -> None:
        """Take one packet of its opening or its TLS handshake."""
        if packet.flags & SYN:
            self._open(packet, ttl, options)
        elif not packet.flags & RST:
            self._acknowledge(packet)
            if packet.size and self.may_be_tls:
                self._listen(packet)
        if not self.may_be_tls or (self.handshake and self.handshake.settled):
            self.watched = self.syn is not None and not self.answered

    def _listen(self, packet: Segment) -> None:
        """Take a packet with payload as part of a TLS handshake, unless it shows that it is none."""
        if self.handshake is None:
            self.handshake = Handshake(self.store)
            for to_server, opening in ((True, self.syn), (False, self.syn_ack)):
                if opening:
                    self.handshake.expect(to_server, opening.sequence + 1)
        if not self.handshake.take(packet):
            self.handshake, self.may_be_tls = None, False

    def _open(self, packet: Segment, ttl: int, options: bytes) -> None:
        opening = Opening(packet.number, packet.time, packet.sequence, _mss(options), ttl)
        if packet.flags & ACK:
            self.syn_ack = _repeat(self.syn_ack, opening, self.answered)
        else:
            self.syn = _repeat(self.syn, opening, self.syn_ack is not None)

    def _acknowledge(self, packet: Segment) -> None:
        if self.answered or not packet.to_server or not packet.flags & ACK:
            return
        if self.syn_ack is None:
            self.answered = self.syn is not None
        elif (packet.acknowledged - self.syn_ack.sequence - 1) % SERIAL < SERIAL // 2:
            self.answered, self.ack_time = True, packet.time


def _repeat(known: Opening | None, again: Opening, answered: bool) -> Opening:
    if known is None:
        return again
    known.sent += 1
    known.sent_before_answer += not answered
    return known


def _mss(options: bytes) -> int | None:
    """Return the MSS a SYN gives; None where it gives none."""
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if options[at] == 2 and size == 4 and at + 4 <= len(options):
            return int.from_bytes(options[at + 2 : at + 4], "big")
        if size < 2:
            return None
        at += size
    return None
