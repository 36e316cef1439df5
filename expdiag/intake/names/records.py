"""Names and data of records in one spelling: absolute, lower case, without the last dot, escaped as dnspython does."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

_SECONDS = re.compile(r"[0-9]{1,10}|(?:[0-9]{1,9}[wdhms]){1,5}", re.I | re.A)
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,15}", re.A)
_NAME_ALONE = ("CNAME", "DNAME", "NS", "PTR")


class OddRecordError(Exception):
    """A name or data that is none of its kind; the text says why."""


class Data(NamedTuple):
    """Data of a record as `dns_records` holds it."""

    value: str
    priority: int | None = None
    weight: int | None = None
    port: int | None = None


@lru_cache(maxsize=4096)
def name(text: str) -> str:
    """Return a name in the one spelling, `.` for the root. A name outside ASCII stays as it is printed.

    Raises:
        OddRecordError: it is no name.
    """
    import dns.exception
    import dns.name

    if not text.isascii():
        return text.lower().removesuffix(".")
    try:
        return dns.name.from_text(text).canonicalize().to_text(omit_final_dot=True) or "."
    except (dns.exception.DNSException, ValueError) as error:
        raise OddRecordError(f"{text!r} is no name ({error})") from error


def reverse(address: str) -> str | None:
    """Return the name under which an address is looked up, None where it is no address."""
    import dns.exception
    import dns.reversename

    try:
        return dns.reversename.from_address(address.partition("%")[0]).to_text(omit_final_dot=True)
    except (dns.exception.DNSException, ValueError):
        return None


@lru_cache(maxsize=256)
def known_type(text: str) -> str | None:
    """Return a record type in capitals, None where there is none of this name."""
    import dns.exception
    import dns.rdatatype

    if not _TYPE.fullmatch(text):
        return None
    try:
        return dns.rdatatype.to_text(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, ValueError):
        return None


def seconds(text: str) -> int | None:
    """Return a time to live, `300` or `1h30m`, None where it is none."""
    import dns.exception
    import dns.ttl

    if not _SECONDS.fullmatch(text):
        return None
    try:
        return dns.ttl.from_text(text)
    except dns.exception.DNSException:
        return None


def data(kind: str, words: str) -> Data:
    """Return the data of a record of a type.

    Raises:
        OddRecordError: the words are no data of this type.
    """
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    if kind in _NAME_ALONE:
        return Data(name(words))
    try:
        parsed: Any = dns.rdata.from_text(
            dns.rdataclass.IN, dns.rdatatype.from_text(kind), words, origin=dns.name.root, relativize=False
        )
    except Exception as error:  # dnspython answers odd text with errors of many kinds
        raise OddRecordError(f"no data of {kind} ({error}): {words}") from error
    if kind == "SRV":
        return Data(name(parsed.target.to_text()), parsed.priority, parsed.weight, parsed.port)
    if kind == "MX":
        return Data(name(parsed.exchange.to_text()), parsed.preference)
    if kind == "SOA":
        numbers = (parsed.serial, parsed.refresh, parsed.retry, parsed.expire, parsed.minimum)
        return Data(" ".join((name(parsed.mname.to_text()), name(parsed.rname.to_text()), *map(str, numbers))))
    return Data(parsed.to_text())


class Line(NamedTuple):
    """A record as dig prints it, in words."""

    owner: str
    ttl: int | None
    kind: str
    words: str


def split(text: str) -> Line | None:
    """Part a record line, `owner [ttl] [class] type data`; None where it is none."""
    owner, _, rest = text.partition(" ") if "\t" not in text else text.replace("\t", " ").partition(" ")
    ttl: int | None = None
    for _ in range(3):
        word, _, after = rest.lstrip().partition(" ")
        if ttl is None and word[:1].isdigit() and (given := seconds(word)) is not None:
            ttl = given
        elif word not in ("IN", "CH", "HS", "NONE"):
            break
        rest = after
    kind = known_type(word) if word.isupper() else None
    return Line(owner, ttl, kind, after.strip()) if kind and owner and after.strip() else None
