"""DER (X.690) read one value at a time, so that one bad value does not cost the rest of a certificate.

Every function raises `DerError`, and nothing else, for bytes it cannot read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
SEQUENCE, SET = 0x30, 0x31
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_MAX_OID, _MAX_INTEGER = 64, 512
# By tag; encoders put UTF-8 into strings of ASCII, and teletex strings hold Latin-1, whatever T.61 says
_ENCODINGS: dict[int, tuple[str, ...]] = {
    **dict.fromkeys((12, 18, 19, 22, 26), ("utf-8",)),
    20: ("utf-8", "latin-1"),
    28: ("utf-32-be",),
    30: ("utf-16-be",),
}
# 260501120000Z    20500101000000Z    2605011200+0200
_TIME = re.compile(rb"([0-9]{10,14})(?:\.[0-9]{1,9})?(Z|[+-][0-9]{4})")


class DerError(ValueError):
    """Bytes that are not what they should be; the text says what they are instead, and quotes none of them."""


class CutError(DerError):
    """A value that is longer than what is left of the bytes."""


class Item(NamedTuple):
    """One value: its tag, what it holds, and all its bytes."""

    tag: int
    value: bytes
    raw: bytes


def item(data: bytes, start: int = 0) -> Item:
    """Return the value that begins at `start`.

    Raises:
        CutError: it is longer than the bytes.
        DerError: its length is not told, as in BER, or its tag takes several bytes.
    """
    begin, end = _extent(data, start)
    if end > len(data):
        raise CutError("the bytes end inside a value")
    return Item(data[start], data[begin:end], data[start:end])


def contents(data: bytes, tag: int) -> bytes:
    """Return what is there of a value that must have this tag, and whose end may be cut off."""
    begin, end = _extent(data, 0)
    if data[0] != tag:
        raise DerError(f"tag {data[0]:#04x} where {tag:#04x} is expected")
    return data[begin:end]


def _extent(data: bytes, start: int) -> tuple[int, int]:
    """Return where the value of an item begins and where it should end."""
    if len(data) < start + 2:
        raise CutError("the bytes end inside a value")
    tag, length, begin = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise DerError("a tag of several bytes")
    if length == 0x80:
        raise DerError("a value without a length (BER, not DER)")
    if length > 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[start + 2 : begin], "big")
    return begin, begin + length


def items(data: bytes) -> list[Item]:
    """Return the values that stand one after the other."""
    found, start = [], 0
    while start < len(data):
        found.append(item(data, start))
        start += len(found[-1].raw)
    return found


def parts(whole: Item, tag: int = SEQUENCE, least: int = 0) -> list[Item]:
    """Return what a sequence, a set or a tagged value holds, `least` values or more."""
    found = items(expect(whole, tag))
    if len(found) < least:
        raise DerError(f"{len(found)} part(s) where {least} are expected")
    return found


def expect(whole: Item, tag: int) -> bytes:
    """Return the value of an item that must have this tag."""
    if whole.tag != tag:
        raise DerError(f"tag {whole.tag:#04x} where {tag:#04x} is expected")
    return whole.value


def oid(whole: Item) -> str:
    """Return an object identifier in dots."""
    value = expect(whole, OID)
    if not value or len(value) > _MAX_OID or value[-1] & 0x80:
        raise DerError("an object identifier that is empty, cut or too long")
    numbers, number = [], 0
    for byte in value:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def hexadecimal(whole: Item) -> str:
    """Return an integer in hexadecimal, negative ones with a sign."""
    value = expect(whole, INTEGER)
    if not value or len(value) > _MAX_INTEGER:
        raise DerError(f"an integer of {len(value)} bytes")
    return f"{int.from_bytes(value, 'big', signed=True):x}"


def bit_length(whole: Item) -> int:
    """Return the number of bits of a positive integer."""
    return int.from_bytes(expect(whole, INTEGER), "big").bit_length()


def boolean(whole: Item) -> bool:
    """Return a truth value."""
    return any(expect(whole, BOOLEAN))


def bits(whole: Item) -> bytes:
    """Return the bytes of a bit string, without the count of unused bits."""
    value = expect(whole, BIT_STRING)
    if not value or value[0] > 7:
        raise DerError("a bit string that does not tell how long it is")
    return value[1:]


def text(whole: Item) -> str:
    """Return a character string of any type."""
    for encoding in _ENCODINGS.get(whole.tag, ()):
        try:
            return whole.value.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DerError(f"bytes of tag {whole.tag:#04x} that are no text")


def time(whole: Item) -> datetime:
    """Return a time of either type, as UTC."""
    year_digits = {_UTC_TIME: 2, _GENERALIZED_TIME: 4}.get(whole.tag)
    found = _TIME.fullmatch(whole.value)
    if year_digits is None or found is None or len(found[1]) - year_digits not in (8, 10):
        raise DerError("a time that is none")
    year = int(found[1][:year_digits])
    if year_digits == 2:
        year += 1900 if year >= 50 else 2000
    month, day, hour, minute, *second = (int(found[1][at : at + 2]) for at in range(year_digits, len(found[1]), 2))
    try:
        stamp = datetime(year, month, day, hour, minute, sum(second), tzinfo=_zone(found[2].decode()))
        return stamp.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DerError("a time that is in no calendar") from None


def _zone(zone: str) -> timezone:
    if zone == "Z":
        return UTC
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    return timezone(-ahead if zone.startswith("-") else ahead)
