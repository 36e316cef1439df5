"""Files of bytes: a certificate in DER, several one after the other, or PKCS#7; keys are told, never decoded."""

from __future__ import annotations

from collections.abc import Iterator

from expdiag.intake.certificates import shapes
from expdiag.intake.certificates.der import SEQUENCE, CutError, DerError, contents, item
from expdiag.intake.reading import Harvest

_EXPLICIT_0 = 0xA0


def certificates(data: bytes, harvest: Harvest, line: int | None = None) -> Iterator[bytes]:
    """Yield the certificates that bytes hold; anything else is an issue."""
    kind, called = shapes.shape(data)
    if kind == shapes.SECRET:
        harvest.issue("secret", f"{called} is in this file; it was not read. {_SECRET}", line)
    elif kind == shapes.OTHER:
        harvest.issue("unrecognised", f"{called}, not a certificate", line)
    else:
        try:
            yield from _each(_pkcs7(data) if kind == shapes.CERTIFICATES else data, harvest, line)
        except CutError:
            harvest.issue("truncated", f"the bytes of {called or 'a certificate'} end before their end", line)
        except DerError as error:
            harvest.issue("broken", f"{called or 'bytes'} that cannot be decoded: {error}", line)


_SECRET = "Treat the keys in it as compromised if the file was sent to anyone, and send certificates only"


def _each(data: bytes, harvest: Harvest, line: int | None) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        found = item(data, start)
        start += len(found.raw)
        if found.tag == SEQUENCE:
            yield found.raw
        else:
            harvest.issue("unrecognised", f"{len(found.raw)} byte(s) that are no certificate", line)


def _pkcs7(data: bytes) -> bytes:
    """Return the certificates of signed data (RFC 2315, 9.1), as far as they are there.

    `SEQUENCE { OID, [0] { SEQUENCE { version, digests, content, [0] { certificate … } … } } }`
    """
    inside = contents(data, SEQUENCE)
    signed = contents(contents(inside[len(item(inside).raw) :], _EXPLICIT_0), SEQUENCE)
    for _ in range(3):
        signed = signed[len(item(signed).raw) :]
    return contents(signed, _EXPLICIT_0) if signed[:1] == bytes([_EXPLICIT_0]) else b""
