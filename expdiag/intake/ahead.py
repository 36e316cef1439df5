"""A gzip file inflated by a process of its own, so that inflating and searching share two cores.

A thread would wait for the interpreter after every piece, which the search has to itself most of the time.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, Self

from expdiag.intake import inflate
from expdiag.intake.inflate import Inflated

_PIPE_BYTES = 1 << 20


class InflatedAhead:
    """The content of a gzip file on disk, the same as `Inflated` gives, whatever becomes of the process.

    Attributes:
        problem: once the end is reached, what was wrong with the stream; empty where nothing was.
        passed: bytes given out so far.
        consumed: bytes of the file they were made of.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._piece = b""
        self._at = 0
        self._over = False
        self._own: tuple[BinaryIO, Inflated] | None = None  # takes over from a process that fails
        self.problem = ""
        self.passed = self.consumed = 0
        command = [sys.executable, "-P", inflate.__file__, str(path)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=_PIPE_BYTES,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        if self._own:
            self._own[0].close()

    def read(self, size: int) -> bytes:
        """Return some bytes, at most `size`, empty at the end; damage ends the stream and is told by `problem`."""
        if self._at == len(self._piece):
            self._piece, self._at = self._next(), 0
        whole = not self._at and size >= len(self._piece)
        data = self._piece if whole else self._piece[self._at : self._at + size]
        self._at += len(data)
        self.passed += len(data)
        return data

    def _next(self) -> bytes:
        if self._over:
            return b""
        if self._own is None and (piece := self._received()) is not None:
            return piece
        _, own = self._own = self._own or self._take_over()
        data = own.read(inflate.OUT)
        self.consumed, self.problem = own.consumed, own.problem
        return data

    def _received(self) -> bytes | None:
        """Return the next piece the process sends, None where it comes to nothing."""
        pipe = self._process.stdout
        if pipe is None or len(head := pipe.read(inflate.HEAD.size)) < inflate.HEAD.size:
            return None
        is_last, size, consumed = inflate.HEAD.unpack(head)
        if size > inflate.OUT or len(data := pipe.read(size)) < size:
            return None
        self.consumed, self._over = consumed, is_last
        if is_last:
            self.problem = data.decode()
        return b"" if is_last else data

    def _take_over(self) -> tuple[BinaryIO, Inflated]:
        """Return the file and its content from where the process left it."""
        file = self._path.open("rb")
        own = Inflated(file)
        while own.passed < self.passed and own.read(self.passed - own.passed):
            pass
        return file, own
