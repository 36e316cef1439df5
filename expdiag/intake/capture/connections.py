"""TCP connections of a capture: which packets are of the same one. Only openings are looked at one by one."""

from __future__ import annotations

from expdiag.intake.capture import services
from expdiag.intake.capture.connection import Connection
from expdiag.intake.capture.headers import Packets
from expdiag.intake.capture.shares import Share, Total, totals
from expdiag.intake.capture.tcp import Key, Segments, segments
from expdiag.intake.capture.tls import Store


class Connections:
    """All connections of a capture, in the order they began, up to a limit."""

    def __init__(self) -> None:
        self.all: list[Connection] = []
        self.beyond = 0
        self.store = Store()
        self._latest: dict[Key, Connection] = {}
        self._most = services.most("connections")

    def take(self, packets: Packets) -> None:
        """Take the packets of a window."""
        found = segments(packets)
        if found is None:
            return
        for total in totals(found):
            self._take(found, total)

    def _take(self, found: Segments, total: Total) -> None:
        key = found.key(total.start)
        known = self._latest.get(key)
        if known and not _is_new_call(known, key, found, total.start):
            share = Share(found, total, turned=known.key != key)
            share.count_repeated(known)
        elif len(self.all) < self._most:
            known = self._begin(key, found, total)
            share = Share(found, total, turned=known.key != key)
        else:
            self.beyond += 1
            return
        share.add_to(known)
        if known.watched:
            share.hand_over(known)

    def _begin(self, key: Key, found: Segments, total: Total) -> Connection:
        """Begin a connection; who sends the SYN is its client, whatever the ports tell."""
        start = total.start
        number = int(found.packets.number[found.place[start]])
        own = key.turned() if found.calls(start) and not found.to_server[start] else key
        connection = Connection(own, self.store, number, total.first_time, total.last_time)
        self._latest[key] = connection
        self.all.append(connection)
        return connection


def _is_new_call(known: Connection, key: Key, found: Segments, start: int) -> bool:
    """Whether the packets begin with a SYN other than that of the connection between the same ends."""
    if not found.calls(start):
        return False
    same_client = (known.key == key) == bool(found.to_server[start])
    return known.syn is None or not same_client or known.syn.sequence != int(found.sequence[start])
