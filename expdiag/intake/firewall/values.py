"""Words of firewall prints turned into what the columns hold; None where a column cannot hold them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

_PROTOCOLS = {
    **{"0": "", "all": "", "any": "", "ip": "", "1": "icmp", "2": "igmp", "4": "ipencap", "6": "tcp", "17": "udp"},
    **{"33": "dccp", "41": "ipv6", "47": "gre", "50": "esp", "51": "ah", "58": "icmpv6", "89": "ospf", "103": "pim"},
    **{"112": "vrrp", "132": "sctp", "136": "udplite", "ipv6-icmp": "icmpv6", "icmp6": "icmpv6"},
}
# Names that prints without -n put for ports which matter here; Debian and Red Hat differ in some
_PORT_NAMES = {
    **{"ssh": 22, "telnet": 23, "domain": 53, "http": 80, "ntp": 123, "snmp": 161, "snmptrap": 162, "ldap": 389},
    **{"https": 443, "syslog": 514, "ldaps": 636, "h323gatestat": 1719, "h323hostcall": 1720, "epmd": 4369},
    **{"l2c-control": 4371, "l2c-data": 4372, "sip": 5060, "sip-tls": 5061, "sips": 5061, "http-alt": 8080},
    "pcsync-https": 8443,
}
_SCALE = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_COUNT = re.compile(r"([0-9]{1,18})([KMGT]?)")
_PREFIX = re.compile(r"[0-9]{1,3}")
_LAST_PORT = 65535
MAX_ELEMENTS = 500
_MOST_OF_A_RANGE = 64


def transport(word: str) -> str | None:
    """Return a protocol by its name: `6` is `tcp`, `all` is empty."""
    name = word.lower()
    return _PROTOCOLS.get(name, name) if re.fullmatch(r"[a-z0-9.-]{1,40}", name) else None


def count(word: str) -> int | None:
    """Return a counter, also one rounded for people: `12K`, `3M`."""
    found = _COUNT.fullmatch(word)
    number = int(found[1]) * _SCALE[found[2]] if found else None
    return number if number is not None and number < 1 << 63 else None


def networks(words: Iterable[str]) -> str | None:
    """Return addresses, networks and ranges `10.0.0.1-10.0.0.9` as CIDR with commas; empty for anywhere."""
    return _networks(tuple(words))


@lru_cache(maxsize=256)  # rules that name the same set share one text
def _networks(words: tuple[str, ...]) -> str | None:
    found: list[str] = []
    for word in words:
        if "%" in word:  # an address of one link
            return None
        network = _range(word) if "-" in word else _network(word)
        if network is None or len(found) > MAX_ELEMENTS:
            return None
        found += network
    if any(network.endswith("/0") for network in found):
        return ""
    return ",".join(dict.fromkeys(found)) or None


def _network(word: str) -> list[str] | None:
    address, slash, mask = word.partition("/")
    if slash and not _PREFIX.fullmatch(mask):
        bits = _bits(mask)  # ipaddress would take 0.0.0.255 for the mask of a /24
        if bits is None:
            return None
        mask = str(bits)
    try:
        return [str(ipaddress.ip_network(f"{address}/{mask}" if slash else address, strict=False))]
    except ValueError:
        return None


def _bits(mask: str) -> int | None:
    try:
        address = ipaddress.ip_address(mask)
    except ValueError:
        return None
    ones, _, rest = f"{int(address):0{address.max_prefixlen}b}".partition("0")
    return len(ones) if "1" not in rest else None


def _range(word: str) -> list[str] | None:
    first, _, last = word.partition("-")
    try:
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
        if type(low) is not type(high):
            return None
        found = list(islice(ipaddress.summarize_address_range(low, high), _MOST_OF_A_RANGE + 1))
        return [str(network) for network in found] if len(found) <= _MOST_OF_A_RANGE else None
    except (ValueError, TypeError):
        return None


def family_of(cidr: str) -> str:
    """Return the family of a list of networks, empty where it has none or both."""
    if not cidr:
        return ""
    kinds = {"ipv6" if ":" in network else "ipv4" for network in cidr.split(",")}
    return kinds.pop() if len(kinds) == 1 else ""


def ports(words: Iterable[str], between: str, negated: bool = False) -> str | None:
    """Return ports and ranges as `4371-4372,5061`; what is negated comes as all the other ports.

    Args:
        words: numbers, names of well-known services, or ranges of them.
        between: what stands between the ends of a range.
        negated: every port but these.
    """
    ranges: list[tuple[int, int]] = []
    for word in words:
        # a service name may hold the sign of a range itself: l2c-data
        low, sign, high = (word, "", "") if _port(word) is not None else word.partition(between)
        first, last = _port(low or "0"), _port((high or str(_LAST_PORT)) if sign else low)
        if first is None or last is None or first > last or len(ranges) > MAX_ELEMENTS:
            return None
        ranges.append((first, last))
    if negated:
        ranges = _others(ranges)
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges) or None


def _port(word: str) -> int | None:
    if re.fullmatch(r"[0-9]{1,5}", word):
        number = int(word)
        return number if number <= _LAST_PORT else None
    return _PORT_NAMES.get(word)


def _others(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    others, free = [], 0
    for low, high in sorted(ranges):
        if low > free:
            others.append((free, low - 1))
        free = max(free, high + 1)
    return [*others, (free, _LAST_PORT)] if free <= _LAST_PORT else others


def interfaces(names: Iterable[str]) -> str | None:
    """Return names of interfaces with commas; the `+` of iptables becomes the `*` of nftables."""
    found = [f"{name[:-1]}*" if name.endswith("+") else name for name in names]
    return ",".join(found) if found and all(re.fullmatch(r"[^\s,!\"]{1,40}", name) for name in found) else None


def states(words: str) -> tuple[str, ...] | None:
    """Return connection states, `RELATED,ESTABLISHED`, in lower case; None for what is none."""
    found = tuple(re.split(r", ?", words.lower()))
    return found if set(found) <= _STATES else None


_STATES = frozenset({"new", "established", "related", "invalid", "untracked", "snat", "dnat"})
