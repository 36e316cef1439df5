"""Folders, tar, tar.gz, zip and gz as one stream of members; nothing is unpacked to disk.

Archives are hostile until read: absolute and climbing paths, links, devices, encrypted members and bombs are
refused one by one, and the rest is still read.
"""

from __future__ import annotations

import importlib
import io
import itertools
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

gzip: Any
_DEFLATE_ERRORS: tuple[type[Exception], ...]
try:
    gzip = importlib.import_module("isal.igzip")
    _DEFLATE_ERRORS = (importlib.import_module("isal.isal_zlib").error, zlib.error)
except ImportError:  # the same results at half the speed
    gzip = importlib.import_module("gzip")
    _DEFLATE_ERRORS = (zlib.error,)

HEAD_BYTES = 1 << 16
_CHUNK = 1 << 20
_MAX_DEPTH = 4
_MAX_MEMBERS = 20_000
_MAX_NESTED_ZIP = 512 << 20
_BOMB_BYTES = 128 << 20
_BOMB_RATIO = 400
_BOMB = f"unpacks to more than {_BOMB_RATIO} times its size"

_BROKEN = (EOFError, OSError, tarfile.TarError, zipfile.BadZipFile, *_DEFLATE_ERRORS)


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
    """A member that is not read, and why.

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
            CutShortError: the archive around it is truncated or broken.
        """
        self.size = len(self.head)
        if self.head:
            yield self.head
        try:
            while chunk := self._read(_CHUNK):
                self.size += len(chunk)
                yield chunk
        except _BombError as error:
            raise CutShortError(_BOMB, "bomb") from error
        except _BROKEN as error:
            raise CutShortError(_describe(error)) from error


def members(paths: list[Path]) -> Iterator[Member | Refused]:
    """Yield every file under the paths, archives opened, in an order that only depends on the names."""
    several = len(paths) > 1
    for path in paths:
        if path.is_dir():
            prefix = f"{path.resolve().name}/" if several else ""
            yield from _folder(path, path, prefix)
        else:
            yield from _file(path, path.name)


def _folder(root: Path, folder: Path, prefix: str) -> Iterator[Member | Refused]:
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        yield Refused(f"{prefix}{folder.relative_to(root).as_posix()}", "unreadable", error.strerror or str(error))
        return
    for entry in entries:
        name = f"{prefix}{entry.relative_to(root).as_posix()}"
        if entry.is_symlink():
            yield Refused(name, "link", "a symbolic link is not followed; put the file itself in its place")
        elif entry.is_dir():
            yield from _folder(root, entry, prefix)
        else:
            yield from _file(entry, name)


def _file(path: Path, name: str) -> Iterator[Member | Refused]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            yield Refused(name, "special-file", "not a regular file")
            return
        with path.open("rb") as file:
            yield from _content(name, file, depth=0)
    except OSError as error:
        yield Refused(name, "unreadable", error.strerror or str(error))


def _content(name: str, file: Any, depth: int) -> Iterator[Member | Refused]:
    """Tell an archive from a plain file by its first bytes, and open what can be opened."""
    try:
        head = file.read(HEAD_BYTES)
    except _BROKEN as error:
        yield Refused(name, "truncated", _describe(error))
        return
    rest = _Rejoined(head, file)
    if _is_archive(head) and depth >= _MAX_DEPTH:
        yield Refused(name, "too-deep", f"archives are opened {_MAX_DEPTH} levels deep, not further")
    elif head[:2] == b"\x1f\x8b":
        yield from _gzip(name, rest, depth)
    elif head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        yield from _zip(name, file, rest, depth)
    elif _is_tar(head):
        yield from _tar(name, rest, depth)
    else:
        yield Member(name, head, file.read)


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _is_archive(head: bytes) -> bool:
    return head[:2] == b"\x1f\x8b" or head[:4] in (b"PK\x03\x04", b"PK\x05\x06") or _is_tar(head)


def _gzip(name: str, file: _Rejoined, depth: int) -> Iterator[Member | Refused]:
    inflated = _Guarded(gzip.GzipFile(fileobj=file, mode="rb"), file)
    try:
        head = inflated.read(HEAD_BYTES)
    except _BombError:
        yield _bomb(name)
        return
    except _BROKEN as error:
        yield Refused(name, "truncated", _describe(error))
        return
    try:
        if _is_tar(head):
            yield from _tar(name, _Rejoined(head, inflated), depth)
        else:
            inner = PurePosixPath(name.rpartition("!")[2]).name.removesuffix(".gz")
            yield from _content(f"{name}!{inner}", _Rejoined(head, inflated), depth + 1)
    except _BombError:
        yield _bomb(name)


def _tar(name: str, file: _Rejoined, depth: int) -> Iterator[Member | Refused]:
    try:
        with tarfile.open(fileobj=file, mode="r|", bufsize=_CHUNK) as archive:
            for count in itertools.count():
                info = archive.next()
                if info is None:
                    return
                inner = f"{name}!{info.name}"
                if count >= _MAX_MEMBERS:
                    yield Refused(name, "bomb", f"more than {_MAX_MEMBERS} members")
                    return
                if info.isdir():
                    continue
                if refusal := _unsafe(inner, info.name) or _not_regular(inner, info):
                    yield refusal
                    continue
                content = archive.extractfile(info)
                assert content is not None
                yield from _content(inner, content, depth + 1)
    except _BombError:
        raise
    except _BROKEN as error:
        yield Refused(name, "truncated", _describe(error))


def _zip(name: str, file: IO[bytes], rest: _Rejoined, depth: int) -> Iterator[Member | Refused]:
    """Zip keeps its index at the end, so a nested one is held in memory up to a limit."""
    try:
        on_disk = isinstance(getattr(file, "raw", None), io.FileIO)
        seekable: IO[bytes] = file if on_disk else _in_memory(rest)
        archive = zipfile.ZipFile(seekable)
    except _TooLargeError:
        yield Refused(name, "too-large", f"a zip inside an archive is read up to {_MAX_NESTED_ZIP >> 20} MB")
        return
    except _BROKEN as error:
        yield Refused(name, "truncated", _describe(error))
        return
    with archive:
        for count, info in enumerate(archive.infolist()):
            inner = f"{name}!{info.filename}"
            if count >= _MAX_MEMBERS:
                yield Refused(name, "bomb", f"more than {_MAX_MEMBERS} members")
                return
            if info.is_dir():
                continue
            if refusal := _unsafe(inner, info.filename) or _zip_refusal(inner, info):
                yield refusal
                continue
            try:
                with archive.open(info) as content:
                    yield from _content(inner, content, depth + 1)
            except (*_BROKEN, NotImplementedError, RuntimeError) as error:
                yield Refused(inner, "unreadable", _describe(error))


def _unsafe(inner: str, name: str) -> Refused | None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (len(name) > 1 and name[1] == ":" and name[0].isalpha()):
        return Refused(inner, "unsafe-path", "the name of this member leads out of the archive")
    return None


def _not_regular(inner: str, info: tarfile.TarInfo) -> Refused | None:
    if info.isreg():
        return None
    kind = "link" if info.issym() or info.islnk() else "special-file"
    return Refused(inner, kind, "only regular files are read from an archive")


def _zip_refusal(inner: str, info: zipfile.ZipInfo) -> Refused | None:
    if info.flag_bits & 0x1:
        return Refused(inner, "encrypted", "this member is encrypted; send it without a password")
    if stat.S_ISLNK(info.external_attr >> 16):
        return Refused(inner, "link", "only regular files are read from an archive")
    if info.file_size > _BOMB_BYTES and info.file_size > _BOMB_RATIO * max(info.compress_size, 1):
        return _bomb(inner)
    return None


def _bomb(name: str) -> Refused:
    return Refused(name, "bomb", _BOMB)


def _describe(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return f"the data ends or breaks before its end ({text})"


def _in_memory(file: _Rejoined) -> io.BytesIO:
    content = io.BytesIO()
    while chunk := file.read(_CHUNK):
        content.write(chunk)
        if content.tell() > _MAX_NESTED_ZIP:
            raise _TooLargeError
    content.seek(0, os.SEEK_SET)
    return content


class _TooLargeError(Exception):
    pass


class _BombError(Exception):
    pass


class _Rejoined(io.RawIOBase):
    """A stream whose already read head is put back in front; counts what passes."""

    def __init__(self, head: bytes, file: Any) -> None:
        self._head = head
        self._file = file
        self.passed = 0

    def readable(self) -> bool:
        """Say that this stream can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer and return how many bytes came."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all that is left for -1."""
        if size < 0:
            data: bytes = self._head + self._file.read()
            self._head = b""
        elif self._head:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data = self._file.read(size)
        self.passed += len(data)
        return data


class _Guarded:
    """An inflating stream that stops when the ratio to its compressed source is a bomb's."""

    def __init__(self, file: Any, compressed: _Rejoined) -> None:
        self._file = file
        self._compressed = compressed
        self._passed = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        data: bytes = self._file.read(size)
        self._passed += len(data)
        if self._passed > _BOMB_BYTES and self._passed > _BOMB_RATIO * self._compressed.passed:
            raise _BombError
        return data

    def seekable(self) -> bool:
        """Say that this stream only goes forward."""
        return False
