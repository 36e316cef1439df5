"""IP fragments of TCP and UDP on ports that matter, joined again: a long DNS answer or a large segment comes so.

What is joined stands in the place of the fragment that made it whole. What is not whole yet waits, up to a limit. Of a
datagram over UDP that never becomes whole, the beginning is handed over in the end, as a packet that is cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

import numpy as np

from expdiag.intake.capture import headers, services
from expdiag.intake.capture.headers import TCP, UDP, Address, Flags, Packets
from expdiag.intake.capture.stamps import seconds
from expdiag.intake.capture.stream import NO_TIME, Ints

_MOST_BYTES = 8 << 20
_MOST_DATAGRAMS = 2000
_LONGEST = 65535
_WAITS = seconds(30)  # hosts wait no longer, and then begin to use the same numbers again
_SLACK = bytes(1 << 10)  # as behind the packets of a window
_PORTS = ("source_port", "target_port")
_COLUMNS = [column.name for column in fields(Packets) if column.name not in ("data", "addresses6")]


class Identity(NamedTuple):
    """What the fragments of one datagram have in common; IPv6 does not count the protocol (RFC 8200, 4.5)."""

    source: Address
    target: Address
    protocol: int
    number: int


class Piece(NamedTuple):
    """One fragment: where in the datagram it begins, how long it was sent, and what was captured of it."""

    offset: int
    size: int
    data: bytes


class Joined(NamedTuple):
    """A datagram behind its IP headers: what is known of it without a gap, and how long it was sent."""

    data: bytes
    size: int


@dataclass(slots=True)
class Datagram:
    """The fragments of a datagram so far.

    Attributes:
        time: when the first one came that is here.
        end: where it ends, -1 before its last fragment is here.
        begins: where the data of its first fragment begins, behind headers of IPv6; -1 before that is here.
        head: its first fragment as a packet.
    """

    time: int
    pieces: dict[int, Piece] = field(default_factory=dict)
    end: int = -1
    begins: int = -1
    head: Packets | None = None

    @property
    def held(self) -> int:
        """Bytes kept of it."""
        return sum(len(piece.data) for piece in self.pieces.values())

    def joined(self) -> Joined:
        """Return its data from the beginning to the first gap."""
        data, reached, whole = b"", self.begins, True
        for offset in sorted(self.pieces):
            piece = self.pieces[offset]
            if self.begins < 0 or offset > reached:
                break
            if whole:
                data += piece.data[reached - offset :]
                whole = len(piece.data) == piece.size
            reached = max(reached, offset + piece.size)
        return Joined(data, reached - self.begins)

    @property
    def is_whole(self) -> bool:
        """Nothing of it is missing."""
        return self.end >= 0 <= self.begins and self.joined().size >= self.end - self.begins


class _Found(NamedTuple):
    """The fragments of a window that may be of use, one element a fragment."""

    place: Ints
    number: Ints
    offset: Ints
    more: Flags
    first: Flags


class Fragments:
    """The datagrams of a capture that are not whole yet.

    Attributes:
        lost: datagrams to ports that matter that never became whole.
    """

    def __init__(self) -> None:
        self.lost = 0
        self._waiting: dict[Identity, Datagram] = {}
        self._given_up: list[Datagram] = []
        self._held = self._lost_bytes = 0

    def join(self, packets: Packets) -> Packets:
        """Return the packets of a window, with whole datagrams where their last fragment stood.

        Fragments that are parts of others no longer count as packets with ports.
        """
        places = np.flatnonzero(packets.fragment_at >= 0)
        if not len(places):
            return packets
        found = self._of_use(packets, _fields(packets, places))
        whole = packets.whole.copy()
        whole[found.place] = False
        return _replaced(packets, whole, dict(self._take(packets, found)))

    def rest(self) -> Iterator[Packets]:
        """Yield, at the end of the capture, what is there of datagrams over UDP that did not become whole."""
        for identity in list(self._waiting):
            self._give_up(identity)
        for datagram in self._given_up:
            assert datagram.head
            data, size = datagram.joined()
            yield _replaced(datagram.head, np.ones(1, bool), {0: (datagram.head, Joined(data, size + 1))})

    def _of_use(self, packets: Packets, found: _Found) -> _Found:
        """Leave out fragments that cannot be of a datagram to a port that matters, told by their numbers."""
        wanted = found.first & _matters(packets, found.place)
        waiting = np.array([identity.number for identity in self._waiting], np.int64)
        numbers = np.concatenate((found.number[wanted], waiting))
        early = ~np.isin(found.number, found.number[found.first])  # its first fragment may follow
        of_use = wanted | (~found.first & (np.isin(found.number, numbers) | early))
        return _Found(
            found.place[of_use], found.number[of_use], found.offset[of_use], found.more[of_use], found.first[of_use]
        )

    def _take(self, packets: Packets, found: _Found) -> Iterator[tuple[int, tuple[Packets, Joined]]]:
        """Take fragments in their order; yield the places where one makes a datagram whole, and that datagram."""
        for place, number, offset, more, first in zip(*(column.tolist() for column in found), strict=True):
            identity = _identity(packets, place, number)
            datagram = self._open(identity, int(packets.time[place]))
            size = int(packets.sent_end[place] - packets.at[place])
            if size <= 0 or offset + size > _LONGEST or offset in datagram.pieces:
                continue
            piece = Piece(offset, size, packets.payload(place))
            datagram.pieces[offset] = piece
            self._held += len(piece.data)
            if first:
                datagram.head, datagram.begins = _alone(packets, place), offset
            if not more:
                datagram.end = offset + size
            if datagram.is_whole and datagram.head:
                self._close(identity)
                data, _ = datagram.joined()
                length = datagram.end - datagram.begins
                yield place, (datagram.head, Joined(data[:length], length))

    def _open(self, identity: Identity, time: int) -> Datagram:
        known = self._waiting.get(identity)
        if known and NO_TIME not in (time, known.time) and abs(time - known.time) > _WAITS:
            self._give_up(identity)
            known = None
        if known is None:
            while self._waiting and (self._held > _MOST_BYTES or len(self._waiting) >= _MOST_DATAGRAMS):
                self._give_up(next(iter(self._waiting)))
            known = self._waiting[identity] = Datagram(time)
        return known

    def _close(self, identity: Identity) -> Datagram:
        datagram = self._waiting.pop(identity)
        self._held -= datagram.held
        return datagram

    def _give_up(self, identity: Identity) -> None:
        datagram = self._close(identity)
        if datagram.head is None:
            return
        self.lost += 1
        self._lost_bytes += datagram.held
        if datagram.head.protocol[0] == UDP and self._lost_bytes < _MOST_BYTES:
            self._given_up.append(datagram)


def _fields(packets: Packets, places: Ints) -> _Found:
    """Return what the headers of fragments say."""
    data, at, six = packets.data, packets.fragment_at[places], packets.six[places]
    words, halves = headers.field(data, ">u4"), headers.field(data, ">u2")
    flags = halves[at + 2].astype(np.int64)
    begins = np.where(six, at + 8, packets.at[places])  # headers behind that of the fragment belong to the datagram
    return _Found(
        place=places,
        number=np.where(six, words[at + 4], halves[at]).astype(np.int64),
        offset=np.where(six, flags & 0xFFF8, (flags & 0x1FFF) * 8) + packets.at[places] - begins,
        more=np.where(six, flags & 1, flags & 0x2000) != 0,
        first=packets.whole[places],
    )


def _matters(packets: Packets, places: Ints) -> Flags:
    """Tell the first fragments that go to or from a port a cluster uses."""
    known = services.ports_by_protocol()
    protocol = packets.protocol[places] << 16
    to_known, from_known = known[protocol | packets.target_port[places]], known[protocol | packets.source_port[places]]
    matters: Flags = np.isin(packets.protocol[places], (TCP, UDP)) & (to_known | from_known)
    return matters


def _identity(packets: Packets, place: int, number: int) -> Identity:
    six = bool(packets.six[place])
    source = packets.address(int(packets.source[place]), six)
    target = packets.address(int(packets.target[place]), six)
    return Identity(source, target, 0 if six else int(packets.protocol[place]), number)


def _alone(packets: Packets, place: int) -> Packets:
    """Return one packet by itself, with its IP headers and no more."""
    six, start = bool(packets.six[place]), int(packets.ip_at[place])
    one = {name: getattr(packets, name)[place : place + 1] for name in _COLUMNS}
    head = packets.data[start : packets.at[place]].tobytes() + _SLACK
    if six:
        addresses = [packets.addresses6[one[end][0]] for end in ("source", "target")]
        one |= {"source": np.array([0]), "target": np.array([1])}
    else:
        addresses = []
    one["ip_at"] = np.array([0])
    return Packets(data=np.frombuffer(head, np.uint8), addresses6=addresses, **one)


def _replaced(packets: Packets, whole: Flags, joined: Mapping[int, tuple[Packets, Joined]]) -> Packets:
    """Return packets with other payloads at some places, taken from first fragments and what was joined to them."""
    changed = replace(
        packets,
        whole=whole,
        **{name: getattr(packets, name).copy() for name in ("protocol", "at", "end", "sent_end", *_PORTS)},
    )
    end, parts = len(packets.data), [packets.data.tobytes()] if joined else []
    for place, (head, (data, size)) in joined.items():
        changed.whole[place] = True
        changed.at[place], changed.end[place], changed.sent_end[place] = end, end + len(data), end + size
        for name in ("protocol", *_PORTS):
            getattr(changed, name)[place] = getattr(head, name)[0]
        parts.append(data)
        end += len(data)
    if joined:
        changed.data = np.frombuffer(b"".join((*parts, _SLACK)), np.uint8)
    return changed
