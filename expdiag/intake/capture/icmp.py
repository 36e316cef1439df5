"""ICMP and ICMPv6: echoes matched with their answers, and errors with the packet they quote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from expdiag.intake.capture import services
from expdiag.intake.capture.exchanges import Exchange, Exchanges, Seen
from expdiag.intake.capture.headers import ICMP, ICMP6, TCP, UDP, Address, Packets, text
from expdiag.intake.capture.stamps import moment
from expdiag.intake.reading import Harvest
from expdiag.tables import Echo, IcmpError

_REQUESTS, _ANSWERS = ((ICMP, 8), (ICMP6, 128)), ((ICMP, 0), (ICMP6, 129))
_TOO_BIG = ((ICMP, 3, 4), (ICMP6, 2, 0))
_TRANSPORTS_WITH_PORTS = (TCP, UDP)


@dataclass(frozen=True, slots=True)
class Quoted:
    """The packet an error is about, as far as the error quotes it."""

    client: Address
    server: Address
    protocol: int
    client_port: int | None
    port: int | None


@dataclass(frozen=True, slots=True)
class Error:
    """An ICMP error."""

    number: int
    time: int
    said_by: Address
    said_to: Address
    type: int
    code: int
    mtu: int | None
    quoted: Quoted | None

    @property
    def meaning(self) -> dict[str, str]:
        """What the catalogue says of its type and code."""
        known = services.facts()["icmp"]["4" if len(self.said_by) == 4 else "6"]
        found: dict[str, str] = known.get(f"{self.type}.{self.code}") or known.get(f"{self.type}.*", {})
        return found

    @property
    def message(self) -> str:
        """What it says in words."""
        return self.meaning.get("says", f"type {self.type} code {self.code}")


class Icmp:
    """All echoes and errors of a capture, up to a limit of each."""

    def __init__(self) -> None:
        self.echoes = Exchanges("echoes")
        self.errors: list[Error] = []
        self.errors_beyond = 0
        self._most_errors = services.most("icmp_errors")

    def take(self, packets: Packets) -> None:
        """Take the packets of a window."""
        icmp = np.where(packets.six, packets.protocol == ICMP6, packets.protocol == ICMP)
        for place in np.flatnonzero(icmp & packets.whole & (packets.at + 8 <= packets.end)).tolist():
            self._take(packets, place)

    def _take(self, packets: Packets, place: int) -> None:
        at = int(packets.at[place])
        kind, code = int(packets.data[at]), int(packets.data[at + 1])
        six = bool(packets.six[place])
        protocol = ICMP6 if six else ICMP
        source = packets.address(int(packets.source[place]), six)
        target = packets.address(int(packets.target[place]), six)
        number, time = int(packets.number[place]), int(packets.time[place])
        if (protocol, kind) in _REQUESTS or (protocol, kind) in _ANSWERS:
            head = packets.data[at + 4 : at + 8].tobytes()
            identity = int.from_bytes(head[:2], "big"), int.from_bytes(head[2:], "big")
            seen = Seen(number, time, packets.ttl(place), None)
            if (protocol, kind) in _REQUESTS:
                self.echoes.ask(source, target, identity, seen)
            else:
                self.echoes.answer(target, source, identity, seen)
        elif _is_error(kind, six):
            if len(self.errors) >= self._most_errors:
                self.errors_beyond += 1
                return
            payload = packets.payload(place)
            mtu = int.from_bytes(payload[4:8], "big") if (protocol, kind, code) in _TOO_BIG else 0
            quoted = _quoted(payload[8:])
            self.errors.append(Error(number, time, source, target, kind, code, mtu or None, quoted))

    def add_rows(self, harvest: Harvest, end: int) -> None:
        """Put the rows into the harvest; `end` is the end of the capture."""
        for echo in self.echoes.all:
            harvest.add(_echo_row(echo, harvest, end))
        for error in self.errors:
            harvest.add(_error_row(error, harvest))


def _is_error(kind: int, six: bool) -> bool:
    return kind < 128 if six else kind in (3, 4, 5, 11, 12)


def _quoted(data: bytes) -> Quoted | None:
    """Return the packet an error quotes; IPv6 extension headers are not passed."""
    if len(data) >= 20 and data[0] >> 4 == 4:
        at = (data[0] & 15) * 4
        fragment = int.from_bytes(data[6:8], "big") & 0x1FFF
        client, server, protocol = data[12:16], data[16:20], data[9]
    elif len(data) >= 40 and data[0] >> 4 == 6:
        at, fragment = 40, 0
        client, server, protocol = data[8:24], data[24:40], data[6]
    else:
        return None
    if protocol not in _TRANSPORTS_WITH_PORTS or fragment or len(data) < at + 4:
        return Quoted(client, server, protocol, None, None)
    ports = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
    return Quoted(client, server, protocol, *ports)


def _echo_row(echo: Exchange, harvest: Harvest, end: int) -> Echo:
    client, server = text(echo.client), text(echo.server)
    identifier, sequence = echo.identity
    way = f"{client} > {server} echo request" if echo.asked else f"{server} > {client} echo reply"
    return Echo(
        client=client,
        server=server,
        identifier=identifier,
        sequence=sequence,
        outcome=echo.outcome(end),
        rtt=echo.rtt,
        request_ttl=echo.asked.ttl if echo.asked else None,
        answer_ttl=echo.answered.ttl if echo.answered else None,
        requests=echo.requests,
        answers=echo.answers,
        time=moment(echo.first.time),
        source=harvest.note_packet(echo.first.number, f"{way} id {identifier} seq {sequence}"),
    )


def _error_row(error: Error, harvest: Harvest) -> IcmpError:
    quoted = error.quoted
    about = ""
    if quoted:
        ports = (f":{quoted.client_port}", f":{quoted.port}") if quoted.port is not None else ("", "")
        about = f" about {text(quoted.client)}{ports[0]} > {text(quoted.server)}{ports[1]}"
    words = f"{text(error.said_by)} > {text(error.said_to)} {error.message}{about}"
    return IcmpError(
        time=moment(error.time),
        said_by=text(error.said_by),
        said_to=text(error.said_to),
        message=error.message,
        type=error.type,
        code=error.code,
        mtu=error.mtu,
        client=text(quoted.client) if quoted else "",
        server=text(quoted.server) if quoted else "",
        transport=services.transport(quoted.protocol) if quoted else "",
        client_port=quoted.client_port if quoted else None,
        port=quoted.port if quoted else None,
        source=harvest.note_packet(error.number, words),
    )
