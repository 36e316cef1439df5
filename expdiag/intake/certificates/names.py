"""Distinguished names (X.501): what they say, how they are written, and which are the same."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from expdiag.intake.certificates import oids
from expdiag.intake.certificates.der import SET, DerError, Item, oid, parts, text

_SPECIAL = frozenset('\\"+,;<>')


class Attribute(NamedTuple):
    """One attribute of a name; its text is None where the bytes are none."""

    type: str
    value: Item
    text: str | None

    @property
    def short(self) -> str:
        """`CN`, or the number of a type that has no short name."""
        return oids.ATTRIBUTES.get(self.type, self.type)


Name = tuple[tuple[Attribute, ...], ...]


def read(whole: Item) -> Name:
    """Return the sets of attributes a name consists of.

    Raises:
        DerError: it is not built like a name; a text that cannot be decoded is none of that.
    """
    return tuple(tuple(map(_attribute, parts(group, SET))) for group in parts(whole))


def _attribute(pair: Item) -> Attribute:
    number, value = parts(pair, least=2)[:2]
    try:
        return Attribute(oid(number), value, text(value))
    except DerError:
        return Attribute(oid(number), value, None)


def undecoded(name: Name) -> list[str]:
    """Return which attributes have a text that cannot be decoded."""
    return [attribute.short for group in name for attribute in group if attribute.text is None]


def common_name(name: Name) -> str:
    """Return the first common name, empty where there is none or its text cannot be decoded."""
    found = (attribute.text for group in name for attribute in group if attribute.type == oids.COMMON_NAME)
    return next(found, "") or ""


def rfc4514(name: Name) -> str:
    """Return a name as RFC 4514 writes it: last set first, bytes that are no text in hexadecimal."""
    return ",".join("+".join(f"{a.short}={_written(a)}" for a in group) for group in reversed(name))


def _written(attribute: Attribute) -> str:
    if attribute.text is None:
        return f"#{attribute.value.raw.hex()}"
    escaped = "".join(f"\\{character}" if character in _SPECIAL else character for character in attribute.text)
    escaped = escaped.replace("\0", "\\00")
    if escaped.startswith(("#", " ")):
        escaped = f"\\{escaped}"
    return f"{escaped[:-1]}\\ " if len(attribute.text) > 1 and attribute.text.endswith(" ") else escaped


def comparable(name: Name) -> Hashable:
    """Return a form in which names are equal that X.509 takes for equal: case, blanks and string types do not count."""
    return tuple(
        frozenset((a.type, a.value.raw if a.text is None else " ".join(a.text.split()).lower()) for a in group)
        for group in name
    )
