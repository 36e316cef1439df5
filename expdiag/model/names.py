"""DNS names and addresses: when two of them are the same, and what kind an address is."""

from __future__ import annotations

import ipaddress
from functools import cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@cache
def address(text: str) -> Address | None:
    """Return the address a text is, without its zone; None where it is none."""
    try:
        return ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None


def usable(text: str | None) -> Address | None:
    """Return an address that can be a peer's: not empty, not loopback, not unspecified."""
    found = address(text) if text else None
    return None if found is None or found.is_loopback or found.is_unspecified else found


@cache
def canonical(name: str) -> str:
    """Return a DNS name as names are compared: lower case, no final dot, IDNA encoded.

    A text that is no DNS name is returned in lower case, so that it only equals itself.
    """
    plain = name.strip().rstrip(".")
    if plain.isascii():
        return plain.lower()
    import dns.exception
    import dns.name

    try:
        return dns.name.from_text(plain, origin=None).canonicalize().to_text(omit_final_dot=True)
    except (dns.exception.DNSException, UnicodeError):
        return plain.lower()


def same_name(one: str, other: str) -> bool:
    """Whether two DNS names are the same."""
    return canonical(one) == canonical(other)


def join(host: str, domain: str) -> str:
    """Return the FQDN of a host in a domain."""
    return f"{host.rstrip('.')}.{domain.strip('.')}" if domain.strip(".") else host
