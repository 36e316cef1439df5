"""What the messages of a TLS handshake say, and the names of the numbers in them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from expdiag import knowledge


class Hello(NamedTuple):
    """What a hello says: the version it offers or picks, the name it asks for, the cipher it picks."""

    version: int
    server_name: str
    cipher: int


class ShortError(Exception):
    """A message ends before its end."""


class _Cursor:
    """Bytes read from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, size: int) -> bytes:
        """Return the next bytes."""
        data = self._data[self._at : self._at + size]
        if len(data) < size:
            raise ShortError
        self._at += size
        return data

    def number(self, size: int) -> int:
        """Return the number the next bytes are."""
        return int.from_bytes(self.bytes(size), "big")

    def block(self, size: int) -> _Cursor:
        """Return what follows a length of so many bytes."""
        return _Cursor(self.bytes(self.number(size)))

    def __bool__(self) -> bool:
        return self._at < len(self._data)


def client_hello(body: bytes) -> Hello:
    """Return what a ClientHello offers and asks for."""
    data = _Cursor(body)
    version = data.number(2)
    data.bytes(32)
    data.block(1)
    data.block(2)
    data.block(1)
    server_name = ""
    for kind, extension in _extensions(data):
        if kind == 0:
            server_name = _server_name(extension)
        elif kind == 43:
            offered = extension.block(1)
            while offered:
                value = offered.number(2)
                if value >> 8 == 3:  # others are put there to be ignored (RFC 8701)
                    version = max(version, value)
    return Hello(version, server_name, 0)


def server_hello(body: bytes) -> Hello:
    """Return the version and the cipher a ServerHello picks."""
    data = _Cursor(body)
    version = data.number(2)
    data.bytes(32)
    data.block(1)
    cipher = data.number(2)
    data.bytes(1)
    for kind, extension in _extensions(data):
        if kind == 43:
            version = extension.number(2)
    return Hello(version, "", cipher)


def _extensions(data: _Cursor) -> Iterator[tuple[int, _Cursor]]:
    if not data:
        return
    block = data.block(2)
    while block:
        yield block.number(2), block.block(2)


def _server_name(extension: _Cursor) -> str:
    names = extension.block(2)
    while names:
        kind, name = names.number(1), names.bytes(names.number(2))
        if kind == 0:
            return name.decode("ascii", errors="replace")
    return ""


def certificates(body: bytes) -> tuple[bytes, ...]:
    """Return the DER of the certificates of a Certificate message up to TLS 1.2, the sender's own first."""
    block, found = _Cursor(body).block(3), []
    while block:
        found.append(block.bytes(block.number(3)))
    return tuple(found)


@cache
def _names(kind: str) -> dict[int, str]:
    return {int(number, 0): name for number, name in knowledge.load("tls")[kind].items()}


def version_name(version: int) -> str:
    """Return a version as OpenSSL writes it."""
    return _names("versions").get(version, f"0x{version:04x}")


def cipher_name(cipher: int) -> str:
    """Return a cipher suite as OpenSSL writes it."""
    return _names("ciphers").get(cipher, f"0x{cipher:04x}")


def alert_name(description: int) -> str:
    """Return an alert as RFC 8446 writes it, its number where it has no name."""
    return _names("alerts").get(description, str(description))
