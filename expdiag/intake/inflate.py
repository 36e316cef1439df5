"""gzip as a stream that gives all that can be inflated, then says what was wrong.

The readers of the standard library raise in the middle of a read and keep what they had; a truncated archive would
lose up to a megabyte before the cut.
"""

from __future__ import annotations

import importlib
import struct
import sys
import zlib
from typing import Any

_Inflate: Any
try:
    _Inflate = importlib.import_module("isal.isal_zlib")
except ImportError:  # the same results at half the speed
    _Inflate = zlib

_PIECE = 1 << 17
OUT = 1 << 18
HEAD = struct.Struct("<?QQ")  # of a piece in a pipe: whether it is what was wrong, its size, bytes consumed so far
_RAW = -15
_FEXTRA, _FNAME, _FCOMMENT, _FHCRC = 4, 8, 16, 2
_MAX_HEADER = 1 << 17


class Inflated:
    """The content of one or several gzip streams in a row.

    Attributes:
        problem: once the end is reached, what was wrong with the stream; empty where nothing was.
        passed: bytes given out so far.
        consumed: bytes of the source they were made of.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._input = b""
        self._engine: Any = None
        self._crc = 0
        self._members = 0
        self._ended = False
        self.problem = ""
        self.passed = self.consumed = 0

    def read(self, size: int = -1) -> bytes:
        """Return some bytes, at most `size`, empty at the end; damage ends the stream and is told by `problem`."""
        if size < 0:
            return b"".join(iter(lambda: self.read(OUT), b""))
        data = b""
        while not data and size and not self._ended:
            data = self._some(min(size, OUT))
        self.passed += len(data)
        return data

    def _some(self, size: int) -> bytes:
        if self._engine is None and not self._next_member():
            return b""
        if not self._input:
            self._input = self._fetched()
        try:
            data: bytes = self._engine.decompress(self._input, size)
        except Exception as error:  # both engines have errors of their own
            self._end(f"the compressed data is damaged ({error})")
            return b""
        if self._engine.eof:
            self._crc = _Inflate.crc32(data, self._crc)
            self._input = self._engine.unused_data
            self._engine = None
            self._check_trailer()
            return data
        fed = bool(self._input)
        self._input = self._engine.unconsumed_tail
        self._crc = _Inflate.crc32(data, self._crc)
        if not data and not fed:
            self._end("the compressed data ends before its end")
        return data

    def _next_member(self) -> bool:
        """Read the header of the next gzip stream; return whether there is one."""
        if not self._need(2):
            if self._members == 0 or self._input:
                self._end("the compressed data ends before its end" if self._members == 0 else _GARBAGE)
            self._ended = True
            return False
        if self._input[:2] != b"\x1f\x8b":
            self._end(_GARBAGE if self._input.strip(b"\0") else "")
            return False
        if not self._skip_header():
            self._end("the compressed data ends before its end")
            return False
        self._engine = _Inflate.decompressobj(_RAW)
        self._crc = 0
        self._members += 1
        return True

    def _skip_header(self) -> bool:
        if not self._need(10):
            return False
        flags, at = self._input[3], 10
        if flags & _FEXTRA:
            if not self._need(at + 2):
                return False
            at += 2 + int.from_bytes(self._input[at : at + 2], "little")
        for flag in (_FNAME, _FCOMMENT):
            if flags & flag:
                while (end := self._input.find(b"\0", at)) < 0:
                    if len(self._input) > _MAX_HEADER or not self._need(len(self._input) + 1):
                        return False
                at = end + 1
        at += 2 if flags & _FHCRC else 0
        if not self._need(at):
            return False
        self._input = self._input[at:]
        return True

    def _check_trailer(self) -> None:
        if not self._need(8):
            self._end("the compressed data ends before its end")
        elif int.from_bytes(self._input[:4], "little") != self._crc:
            self._end("the checksum of the compressed data is wrong")
        else:
            self._input = self._input[8:]

    def _need(self, size: int) -> bool:
        while len(self._input) < size:
            more = self._fetched()
            if not more:
                return False
            self._input += more
        return True

    def _fetched(self) -> bytes:
        data: bytes = self._source.read(_PIECE)
        self.consumed += len(data)
        return data

    def _end(self, problem: str) -> None:
        self.problem = self.problem or problem
        self._ended = True


_GARBAGE = "there is other data behind the compressed data"


def _send(path: str, pipe: Any) -> None:
    """Write the content of a file into a pipe, piece by piece, and last what was wrong with it."""
    with open(path, "rb") as file:
        inflated = Inflated(file)
        while data := inflated.read(OUT):
            pipe.write(HEAD.pack(False, len(data), inflated.consumed))
            pipe.write(data)
        problem = inflated.problem.encode()
        pipe.write(HEAD.pack(True, len(problem), inflated.consumed) + problem)
        pipe.flush()


if __name__ == "__main__":
    _send(sys.argv[1], sys.stdout.buffer)
