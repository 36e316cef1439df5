"""Private and public addresses."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from expdiag import knowledge
from expdiag.model.names import Address, address


@cache
def is_private(at: Address) -> bool:
    """Whether an address is private; the documentation ranges count as public."""
    return any(at.version == network.version and at in network for network in _private())


def is_public(text: str) -> bool:
    """Whether a text is an address that is not private."""
    at = address(text)
    return at is not None and not at.is_unspecified and not is_private(at)


@cache
def _private() -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in knowledge.load("dns")["private"]["networks"])
