"""Folders, tar, tar.gz, zip and gz as one stream of members; nothing is unpacked to disk.

Archives are hostile until read: absolute and climbing paths, links, devices, encrypted members and bombs are
refused one by one, and the rest is still read.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from expdiag.intake import tar
from expdiag.intake.ahead import InflatedAhead
from expdiag.intake.inflate import Inflated
from expdiag.intake.member import (
    CHUNK_BYTES,
    MAX_MEMBERS,
    CutShortError,
    Member,
    Refused,
    describe,
    fill,
    shown,
    unsafe,
)
from expdiag.intake.tar import Found

_GZIP = b"\x1f\x8b"
_MAX_DEPTH = 4
_MAX_FOLDER_DEPTH = 60
_WORTH_A_PROCESS = 16 << 20
_MAX_NESTED_ZIP = 256 << 20
_BOMB_BYTES = 128 << 20
_BOMB_RATIO = 400
_BOMB = f"unpacks to more than {_BOMB_RATIO} times its size"


class OnDisk(NamedTuple):
    """A file that lies on disk, an archive or not, and its name as the reports write it."""

    path: Path
    name: str
    bytes: int


@dataclass(slots=True)
class Position:
    """How far reading a file on disk has come.

    Attributes:
        tell: returns how many of its bytes are used up, as long as it is open.
    """

    tell: Callable[[], int] = int


def on_disk(paths: list[Path]) -> Iterator[OnDisk | Refused]:
    """Yield every file under the paths, in an order that only depends on the names."""
    for path in paths:
        try:
            is_folder = path.is_dir()
        except OSError as error:
            yield Refused(shown(path.name), "unreadable", error.strerror or str(error))
            continue
        if is_folder:
            yield from _folder(path, f"{shown(path.resolve().name)}/" if len(paths) > 1 else "", depth=0)
        else:
            yield _file(path, shown(path.name))


def members(file: OnDisk, *, ahead: bool = False, position: Position | None = None) -> Found:
    """Yield the members of an archive, and of archives in it; a file that is none is its own only member.

    Args:
        file: where it lies.
        ahead: whether a large file is inflated by another process meanwhile.
        position: is made to tell how far it is.
    """
    try:
        with file.path.open("rb") as content:
            position = position or Position()
            position.tell = content.tell
            if ahead and file.bytes >= _WORTH_A_PROCESS and content.peek(2)[:2] == _GZIP:
                with InflatedAhead(file.path) as inflated:
                    position.tell = lambda: inflated.consumed
                    yield from _gzip(file.name, inflated, 0)
            else:
                yield from _content(file.name, content, 0)
    except OSError as error:
        yield Refused(file.name, "unreadable", error.strerror or str(error))


def _folder(folder: Path, prefix: str, depth: int) -> Iterator[OnDisk | Refused]:
    if depth > _MAX_FOLDER_DEPTH:
        yield Refused(prefix, "too-deep", f"folders are entered {_MAX_FOLDER_DEPTH} levels deep, not further")
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Refused(prefix or ".", "unreadable", error.strerror or str(error))
        return
    for entry in entries:
        name = f"{prefix}{shown(entry.name)}"
        try:
            is_link, is_folder = entry.is_symlink(), entry.is_dir(follow_symlinks=False)
        except OSError as error:
            yield Refused(name, "unreadable", error.strerror or str(error))
            continue
        if is_link:
            yield Refused(name, "link", "a symbolic link is not followed; put the file itself in its place")
        elif is_folder:
            yield from _folder(Path(entry.path), f"{name}/", depth + 1)
        else:
            yield _file(Path(entry.path), name)


def _file(path: Path, name: str) -> OnDisk | Refused:
    try:
        status = path.stat()
    except OSError as error:
        return Refused(name, "unreadable", error.strerror or str(error))
    if not stat.S_ISREG(status.st_mode):
        return Refused(name, "special-file", "not a regular file")
    return OnDisk(path, name, status.st_size)


def _content(name: str, file: Any, depth: int) -> Found:
    """Tell an archive from a plain file by its first bytes, and open what can be opened."""
    try:
        head = fill(file)
    except CutShortError as cut:
        yield Refused(name, cut.kind, str(cut))
        return
    except Exception as error:  # whatever a library makes of hostile bytes
        yield Refused(name, "unreadable", describe(error))
        return
    if not _is_archive(head):
        yield Member(name, head, file.read)
    elif depth >= _MAX_DEPTH:
        yield Refused(name, "too-deep", f"archives are opened {_MAX_DEPTH} levels deep, not further")
    elif head[:2] == _GZIP:
        yield from _gzip(name, Inflated(_Rejoined(head, file)), depth)
    elif _is_tar(head):
        yield from _tar(name, _Rejoined(head, file), depth)
    else:
        yield from _zip(name, file, _Rejoined(head, file), depth)


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _is_archive(head: bytes) -> bool:
    return head[:2] == _GZIP or head[:4] in (b"PK\x03\x04", b"PK\x05\x06") or _is_tar(head)


def _gzip(name: str, inflated: Inflated | InflatedAhead, depth: int) -> Found:
    guarded = _Guarded(inflated)
    try:
        head = fill(guarded)
    except CutShortError as cut:
        yield Refused(name, cut.kind, str(cut))
        return
    rest = _Rejoined(head, guarded)
    if _is_tar(head):
        yield from _tar(name, rest, depth)
    else:
        inner = PurePosixPath(name.rpartition("!")[2]).name.removesuffix(".gz")
        yield from _content(f"{name}!{inner}", rest, depth + 1)
    if inflated.problem:
        yield Refused(name, "truncated", f"{inflated.problem}; what could be unpacked was read")


def _tar(name: str, file: _Rejoined, depth: int) -> Found:
    return tar.read(name, file, lambda inner, content: _content(inner, content, depth + 1))


def _zip(name: str, file: Any, rest: _Rejoined, depth: int) -> Found:
    """Zip keeps its index at the end, so a nested one is held in memory up to a limit."""
    try:
        on_disk = isinstance(getattr(file, "raw", None), io.FileIO)
        seekable: IO[bytes] = file if on_disk else _in_memory(rest)
        if _zip_entries(seekable) > MAX_MEMBERS:
            yield Refused(name, "bomb", f"more than {MAX_MEMBERS} members")
            return
        archive = zipfile.ZipFile(seekable)
    except CutShortError as cut:
        yield Refused(name, cut.kind, str(cut))
        return
    except Exception as error:  # whatever a library makes of hostile bytes
        yield Refused(name, "truncated", describe(error))
        return
    with archive:
        for info in archive.infolist()[:MAX_MEMBERS]:
            inner = f"{name}!{shown(info.filename)}"
            if info.is_dir():
                continue
            if refusal := unsafe(inner, info.filename) or _zip_refusal(inner, info):
                yield refusal
                continue
            try:
                content = archive.open(info)
            except Exception as error:  # whatever a library makes of hostile bytes
                yield Refused(inner, "unreadable", describe(error))
                continue
            with content:
                yield from _content(inner, content, depth + 1)


def _zip_entries(file: IO[bytes]) -> int:
    """Return the number of entries its end record tells, before they are all taken into memory."""
    file.seek(0, os.SEEK_END)
    tail = min(file.tell(), (1 << 16) + 22)
    file.seek(-tail, os.SEEK_END)
    record = file.read(tail)
    at = record.rfind(b"PK\x05\x06")
    return int.from_bytes(record[at + 10 : at + 12], "little") if at >= 0 else 0


def _zip_refusal(inner: str, info: zipfile.ZipInfo) -> Refused | None:
    if info.flag_bits & 0x1:
        return Refused(inner, "encrypted", "this member is encrypted; send it without a password")
    if stat.S_ISLNK(info.external_attr >> 16):
        return Refused(inner, "link", "only regular files are read from an archive")
    if info.file_size > _BOMB_BYTES and info.file_size > _BOMB_RATIO * max(info.compress_size, 1):
        return Refused(inner, "bomb", _BOMB)
    return None


def _in_memory(file: _Rejoined) -> io.BytesIO:
    content = io.BytesIO()
    while chunk := file.read(CHUNK_BYTES):
        content.write(chunk)
        if content.tell() > _MAX_NESTED_ZIP:
            raise CutShortError(f"a zip inside an archive is read up to {_MAX_NESTED_ZIP >> 20} MB", "too-large")
    content.seek(0)
    return content


class _Rejoined:
    """A stream whose already read head is put back in front."""

    def __init__(self, head: bytes, file: Any) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        if not self._head:
            rest: bytes = self._file.read(size)
            return rest
        data, self._head = self._head[:size], self._head[size:]
        return data


class _Guarded:
    """An inflating stream that stops when the ratio to its compressed source is a bomb's."""

    def __init__(self, inflated: Inflated | InflatedAhead) -> None:
        self._inflated = inflated

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes."""
        data = self._inflated.read(size)
        passed = self._inflated.passed
        if passed > _BOMB_BYTES and passed > _BOMB_RATIO * self._inflated.consumed:
            raise CutShortError(_BOMB, "bomb")
        return data
