"""tar as a stream: damaged and truncated archives give what is left of them, and say so."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Generator
from typing import Any, Self

from expdiag.intake.member import (
    CHUNK_BYTES,
    MAX_MEMBERS,
    CutShortError,
    Member,
    Refused,
    describe,
    shown,
    unsafe,
)

Found = Generator[Member | Refused, None, None]


def read(name: str, file: Any, open_member: Callable[[str, Any], Found]) -> Found:
    """Yield the members of an archive one after another; what is damaged is passed over, and said.

    Args:
        name: name of the archive.
        file: its bytes, read front to back.
        open_member: yields what a member is, given its name and a stream.
    """
    count = 0
    try:
        passage = _Passage(file)
        with _Tar(fileobj=passage, mode="r", tarinfo=_Header, ignore_zeros=True) as archive:  # type: ignore[arg-type]
            while (info := archive.next()) is not None:
                count += 1
                if count > MAX_MEMBERS:
                    yield Refused(name, "bomb", f"more than {MAX_MEMBERS} members")
                    return
                inner = f"{name}!{shown(info.name)}"
                content = _TarContent(passage, info.size if info.isreg() and not info.issparse() else 0)
                if refusal := unsafe(inner, info.name) or _not_regular(inner, info):
                    yield refusal
                elif not info.isdir():
                    yield from open_member(inner, content)
                if not content.drained():
                    yield Refused(inner, "truncated", "the archive ends inside this member")
                    return
                archive.members = []  # a list that would grow with the archive
            if archive.damaged:
                yield Refused(name, "broken", "a header inside the archive is damaged; members are missing")
    except CutShortError as cut:
        yield Refused(name, cut.kind, str(cut))
    except Exception as error:  # whatever a library makes of hostile bytes
        yield Refused(name, "truncated", describe(error))


class _Tar(tarfile.TarFile):
    damaged = False
    members: list[tarfile.TarInfo]


class _Passage:
    """A stream as `tarfile` wants it, that only goes forward, and gives large pieces as they come, without a copy."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._piece = b""
        self._at = 0
        self._passed = 0

    def some(self, size: int) -> bytes:
        """Return some bytes, at most `size`; empty at the end."""
        if self._at == len(self._piece):
            self._piece, self._at = self._file.read(CHUNK_BYTES), 0
        whole = not self._at and size >= len(self._piece)
        data = self._piece if whole else self._piece[self._at : self._at + size]
        self._at += len(data)
        self._passed += len(data)
        return data

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        end = self._passed + size
        return b"".join(iter(lambda: self.some(end - self._passed), b""))

    def tell(self) -> int:
        """Return how many bytes have passed."""
        return self._passed

    def seek(self, place: int) -> None:
        """Pass on to a place."""
        if place < self._passed:
            raise tarfile.StreamError("seeking backwards is not allowed")
        while self._passed < place and self.some(place - self._passed):
            pass


class _Header(tarfile.TarInfo):
    """A header that takes note of damage, which `tarfile` passes over without a word."""

    @classmethod
    def fromtarfile(cls, tarfile_: Any) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError):  # type: ignore[attr-defined]
            tarfile_.damaged = True
            raise


class _TarContent:
    """The bytes of one member, straight from the stream, so that nothing before a cut is lost."""

    def __init__(self, stream: _Passage, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; raise where the archive ends first."""
        if self._left <= 0:
            return b""
        data = self._stream.some(min(size, self._left))
        if not data:
            raise CutShortError("the archive ends inside this member")
        self._left -= len(data)
        return data

    def drained(self) -> bool:
        """Pass over the rest; return whether all of it was there."""
        try:
            while self.read(CHUNK_BYTES):
                pass
        except CutShortError as cut:
            if cut.kind == "bomb":
                raise
            return False
        return True


def _not_regular(inner: str, info: tarfile.TarInfo) -> Refused | None:
    if info.isdir() or (info.isreg() and not info.issparse()):
        return None
    kind = "link" if info.issym() or info.islnk() else "special-file"
    return Refused(inner, kind, "only regular files are read from an archive")
