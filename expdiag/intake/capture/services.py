"""What a capture is searched for, from `knowledge/capture.toml`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from expdiag import knowledge
from expdiag.intake.capture.headers import TCP, UDP, Flags
from expdiag.intake.capture.stamps import seconds


def facts() -> dict[str, Any]:
    """Return the facts about captures."""
    return knowledge.load("capture")


@cache
def ports(transport: str) -> Flags:
    """Return, by port number, whether a cluster uses a port of a transport."""
    table = np.zeros(1 << 16, bool)
    table[[int(port) for port in facts()["services"][transport]]] = True
    return table


@cache
def ports_by_protocol() -> Flags:
    """Return, by protocol number and port (`protocol << 16 | port`), whether a cluster uses the port."""
    table = np.zeros(1 << 24, bool)
    for protocol, transport_ in ((TCP, "tcp"), (UDP, "udp")):
        table[protocol << 16 : (protocol + 1) << 16] = ports(transport_)
    return table


def most(table: str) -> int:
    """Return how many rows of a table are kept of one capture."""
    return int(facts()["most"][table])


def patience() -> int:
    """Return for how long an answer may be waited for, in nanoseconds."""
    return seconds(facts()["patience"]["seconds"])


def transport(protocol: int) -> str:
    """Return the name of a protocol, its number where it has none here."""
    return str(facts()["transports"].get(str(protocol), protocol))
