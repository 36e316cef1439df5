"""What the three outputs of nmap share: what its states and reasons mean. Its names of services are never kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from expdiag.intake.reading import Harvest
from expdiag.tables import Hop, Reachability, TlsHandshake

TOOL = "nmap"
_PROHIBITED = frozenset({"admin-prohibited", "host-prohibited", "net-prohibited", "proto-unreach"})
_UNREACHABLE = frozenset({"host-unreach", "net-unreach", "dest-unreach", "time-exceeded"})
_INITIAL_TTLS = (64, 128, 255)


class Port(NamedTuple):
    """A port as nmap reports it; `said_by` and `ttl` are empty and None where they are not shown."""

    number: int
    transport: str
    state: str
    reason: str
    ttl: int | None
    said_by: str
    line: int
    note: str
    more: str = ""


def state_of(state: str, reason: str, transport: str) -> str:
    """Return the state for `reachability`, empty where nmap's says nothing of open or not.

    `filtered` without a reason may be silence or a router that said no: it is only known that it is not open.
    """
    if state == "filtered":
        if reason in _PROHIBITED or (reason == "port-unreach" and transport == "tcp"):
            return "prohibited"
        if reason in _UNREACHABLE:
            return "unreachable"
        return "filtered" if reason == "no-response" else "not-open"
    return {
        "open": "open",
        "closed": "refused",
        "open|filtered": "open-or-filtered",
        "closed|filtered": "not-open",
    }.get(state, "")


def distance(ttl: int) -> int:
    """Return how many routers an answer passed, from the time to live that was left."""
    return next((start for start in _INITIAL_TTLS if ttl <= start), ttl) - ttl


def add_ports(
    harvest: Harvest, target: str, address: str, ports: Iterable[Port], vantage: str = ""
) -> list[Reachability]:
    """Add the ports of one host and return their rows.

    An answer from nearer than the farthest one of the same address comes from a device before the host: a firewall that
    resets, or a translator that forwards other ports only.
    """
    found = list(ports)
    farthest = max((distance(port.ttl) for port in found if port.ttl and not port.said_by), default=0)
    rows = []
    for port in found:
        state = state_of(port.state, port.reason, port.transport)
        if not state:
            harvest.issue(
                "unread", f"{address}: {port.number} is {port.state}, which tells neither open nor closed", port.line
            )
            continue
        row = Reachability(
            vantage=harvest.vantage or vantage,
            target=target or address,
            address=address,
            port=port.number,
            transport=port.transport,
            state=state,
            said_by=port.said_by,
            tool=TOOL,
            rtt=None,
            time=None,
            detail=_detail(port, farthest),
            source=harvest.note(port.line, port.note),
        )
        rows.append(row)
    for row in rows:
        harvest.add(row)
    return rows


def _detail(port: Port, farthest: int) -> str:
    parts = [f"{port.reason}, ttl {port.ttl}" if port.reason and port.ttl else port.reason]
    if port.ttl and not port.said_by and distance(port.ttl) < farthest:
        parts.append(
            f"answered {farthest - distance(port.ttl)} hop(s) nearer than other ports of this address, "
            "so by a device before the host"
        )
    if port.state == "filtered" and not port.reason:
        parts.append("nmap says filtered; only --reason tells silence from a router that said no")
    return "; ".join(part for part in (*parts, port.more) if part)


def hop_row(run: int, ttl: int, address: str, name: str, rtt: float | None, source: int) -> Hop:
    """Return one hop of nmap's path: it keeps one answer a hop."""
    return Hop(run, ttl, 1, "answered", address, name, rtt, None, None, None, None, None, None, "", source)


def milliseconds(text: str) -> float | None:
    """Return a round trip, None for `--` and whatever else is no plain number."""
    plain = text.replace(".", "", 1)
    return float(text) if plain.isascii() and plain.isdigit() and len(text) < 20 else None


def seen_certificate(
    harvest: Harvest, server: str, port: int | None, shown: tuple[str, ...], time: datetime | None, source: int
) -> TlsHandshake:
    """Return the handshake of which a script shows no more than the certificate."""
    return TlsHandshake(
        vantage=harvest.vantage,
        client="",
        server=server,
        port=port,
        server_name="",
        offered="",
        version="",
        cipher="",
        outcome="cut",
        alert="",
        alert_from="",
        verify_code=None,
        verify_text="",
        client_certificate="unknown",
        server_certificates=shown,
        client_certificates=None,
        duration=None,
        time=time,
        tool=TOOL,
        source=source,
    )
