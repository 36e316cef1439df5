"""One file of a case, open for reading once, and what is refused instead."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

HEAD_BYTES = 1 << 16
CHUNK_BYTES = 1 << 20
MAX_MEMBERS = 20_000


class CutShortError(Exception):
    """The bytes of a member end, or turn to nonsense, before they should.

    Attributes:
        kind: `truncated`, or `bomb` where they swell without end.
    """

    def __init__(self, text: str, kind: str = "truncated") -> None:
        self.kind = kind
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Refused:
    """A member that is not read, or an archive that is not whole, and why.

    Attributes:
        name: its name as the reports write it.
        kind: one word, such as `unsafe-path`, `link`, `encrypted`, `bomb`, `unreadable`, `truncated`.
        text: what was found.
    """

    name: str
    kind: str
    text: str


@dataclass(slots=True)
class Member:
    """One file of the case, open for reading once, front to back.

    Attributes:
        name: `bundle.tar.gz!member.txt` inside an archive, relative to the case otherwise.
        head: its first 64 kB, there before the rest is read.
        size: bytes handed out so far.
    """

    name: str
    head: bytes
    _read: Callable[[int], bytes]
    size: int = 0

    def chunks(self) -> Iterator[bytes]:
        """Yield the content in pieces of about a megabyte.

        Raises:
            CutShortError: the archive around it is truncated, broken or a bomb.
        """
        self.size = len(self.head)
        if self.head:
            yield self.head
        while chunk := self._next():
            self.size += len(chunk)
            yield chunk

    def watch(self, tick: Callable[[], None]) -> None:
        """Have something called after each piece that is read."""
        read = self._read

        def watched(size: int) -> bytes:
            piece = read(size)
            tick()
            return piece

        self._read = watched

    def _next(self) -> bytes:
        try:
            return self._read(CHUNK_BYTES)
        except CutShortError:
            raise
        except Exception as error:  # whatever a library makes of hostile bytes
            raise CutShortError(describe(error)) from error


def shown(name: str) -> str:
    """Return a file name as text; bytes that are no UTF-8 are replaced."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def fill(file: Any) -> bytes:
    """Return the head of a stream, whole even where it comes in small pieces.

    Where the stream breaks inside it, what came before is returned, and the next read breaks again.
    """
    head = b""
    try:
        while len(head) < HEAD_BYTES and (more := file.read(HEAD_BYTES - len(head))):
            head += more
    except CutShortError:
        if not head:
            raise
    return head


def unsafe(inner: str, name: str) -> Refused | None:
    """Refuse a member whose name leads out of the archive; `inner` is its name as the reports write it."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (len(name) > 1 and name[1] == ":" and name[0].isalpha()):
        return Refused(inner, "unsafe-path", "the name of this member leads out of the archive")
    return None


def describe(error: Exception) -> str:
    """Return what a library said of bytes it could not read."""
    text = str(error) or type(error).__name__
    return f"the data ends or breaks before its end ({text[:200]})"
