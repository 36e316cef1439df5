"""Which ports a cluster needs between its peers, and which must be closed to others, by release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from expdiag import knowledge
from expdiag.model.versions import Release, row_for

CLUSTER_PORTS = frozenset(range(4369, 4381))


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of one transport, `low` to `high`; a protocol without ports has none."""

    transport: str
    low: int | None
    high: int | None
    purpose: str = ""

    def __contains__(self, port: int | None) -> bool:
        return self.low is None or self.high is None or (port is not None and self.low <= port <= self.high)

    @property
    def one(self) -> int | None:
        """A port to follow a packet to: the first one that matters."""
        return self.low

    def __str__(self) -> str:
        if self.low is None:
            return f"IP protocol {self.transport.upper()}"
        return f"{self.transport.upper()} {self.low if self.low == self.high else f'{self.low}-{self.high}'}"


@dataclass(frozen=True, slots=True)
class Era:
    """The ports that hold for a release; see `knowledge/ports.toml`."""

    name: str
    needed: tuple[Ports, ...]
    closed: tuple[Ports, ...]
    own: tuple[Ports, ...]
    cite: str


def era_of(releases: Iterable[Release | None]) -> Era:
    """Return the ports for peers of these releases: those of the oldest; without any, the current ones."""
    known = [release for release in releases if release]
    return _era(min(known) if known else None)


@cache
def _era(of: Release | None) -> Era:
    row = row_for(knowledge.load("ports")["era"], of)
    return Era(row["name"], _ports(row["needed"]), _ports(row["closed"]), _ports(row["own"]), row["cite"])


def _ports(rows: list[dict[str, str]]) -> tuple[Ports, ...]:
    found = []
    for row in rows:
        low, _, high = row["ports"].partition("-")
        first = int(low) if low else None
        found.append(Ports(row["transport"], first, int(high) if high else first, row.get("purpose", "")))
    return tuple(found)


def listing(ports: Iterable[Ports]) -> str:
    """Return ports as a sentence names them: `TCP 4371 and 4372 and UDP 1719`."""
    by_transport: dict[str, list[str]] = {}
    for one in ports:
        transport, _, numbers = str(one).rpartition(" ")
        by_transport.setdefault(transport, []).append(numbers)
    return " and ".join(f"{transport} {' and '.join(dict.fromkeys(n))}" for transport, n in by_transport.items())
