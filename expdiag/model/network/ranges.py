"""Sets of addresses as ranges of numbers: exact where a sample address could miss a hole."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from expdiag.model.names import Address

Ranges = tuple[tuple[int, int], ...]  # sorted, apart from each other, both ends in

_BITS = {4: 32, 6: 128}
_NOBODY = {
    4: ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"),
    6: ("::/127", "ff00::/8"),
}


def everything(version: int) -> Ranges:
    """Return all addresses of an IP version."""
    return ((0, (1 << _BITS[version]) - 1),)


@lru_cache(maxsize=4)
def anybody(version: int) -> Ranges:
    """Return all addresses a packet from the network can come from."""
    return subtract(everything(version), of_networks(",".join(_NOBODY[version]), version))


def of_addresses(addresses: Iterable[Address], version: int) -> Ranges:
    """Return the addresses of an IP version among some."""
    return joined((int(one), int(one)) for one in addresses if one.version == version)


@lru_cache(maxsize=4096)
def of_networks(text: str, version: int) -> Ranges:
    """Return what `10.0.1.0/24,10.0.2.1/32` means in one IP version; a leading `!` means everything else.

    Empty text is everything. Networks of the other version are nothing, or with a `!` take nothing away.
    """
    if not text:
        return everything(version)
    networks = [ipaddress.ip_network(word) for word in text.removeprefix("!").split(",")]
    found = joined((int(one.network_address), int(one.broadcast_address)) for one in networks if one.version == version)
    return subtract(everything(version), found) if text.startswith("!") else found


def intersect(one: Ranges, other: Ranges) -> Ranges:
    """Return what is in both."""
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if low <= high:
            found.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def subtract(one: Ranges, other: Ranges) -> Ranges:
    """Return what is in the first and not in the second."""
    found = []
    j = 0
    for start, high in one:
        low = start
        while j < len(other) and other[j][1] < low:
            j += 1
        k = j
        while k < len(other) and other[k][0] <= high:
            if low < other[k][0]:
                found.append((low, other[k][0] - 1))
            low = other[k][1] + 1
            k += 1
        if low <= high:
            found.append((low, high))
    return tuple(found)


def union(one: Ranges, other: Ranges) -> Ranges:
    """Return what is in either."""
    return joined((*one, *other))


def size(ranges: Ranges) -> int:
    """Return how many addresses there are."""
    return sum(high - low + 1 for low, high in ranges)


def shown(ranges: Ranges, version: int, most: int = 3) -> str:
    """Return ranges as a reason shows them: networks, a few of them, or `anywhere` for nearly all."""
    if 2 * size(ranges) > size(anybody(version)):
        return f"any other IPv{version} address"
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    words = []
    for low, high in ranges[:most]:
        found = list(ipaddress.summarize_address_range(kind(low), kind(high)))
        whole = str(found[0]).removesuffix("/32").removesuffix("/128")
        words.append(whole if len(found) == 1 else f"{kind(low)}-{kind(high)}")
    left = len(ranges) - most
    return ", ".join(words) + (f" and {left} more ranges" if left > 0 else "")


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return ranges in order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)
