"""A stream that is read ahead in a thread, so that inflating and searching share two cores."""

from __future__ import annotations

import queue
import threading
from typing import Any

_PIECE = 1 << 20
_PIECES_AHEAD = 4
_PATIENCE = 0.1


class ReadAhead:
    """Reads a source in a thread of its own, a few megabytes ahead; what the source raises is raised by `read`.

    It must be closed before anybody else touches the source.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._pieces: queue.Queue[bytes | Exception] = queue.Queue(_PIECES_AHEAD)
        self._piece = b""
        self._at = 0
        self._over: bytes | Exception | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fetch, name="read-ahead", daemon=True)
        self._thread.start()

    def read(self, size: int) -> bytes:
        """Return some bytes, at most `size`; empty at the end."""
        if self._at == len(self._piece):
            self._piece, self._at = self._next(), 0
        data = self._piece[self._at : self._at + size] if self._at or size < len(self._piece) else self._piece
        self._at += len(data)
        return data

    def close(self) -> None:
        """Stop reading ahead and wait until the source is free."""
        self._closed.set()
        self._thread.join()

    def _next(self) -> bytes:
        if self._over is None:
            found = self._pieces.get()
            if found and isinstance(found, bytes):
                return found
            self._over = found
        if isinstance(self._over, Exception):
            raise self._over
        return b""

    def _fetch(self) -> None:
        piece: bytes | Exception = b"more"
        while piece and isinstance(piece, bytes):
            try:
                piece = self._source.read(_PIECE)
            except Exception as error:  # handed to whoever reads
                piece = error
            while not self._closed.is_set():
                try:
                    self._pieces.put(piece, timeout=_PATIENCE)
                    break
                except queue.Full:
                    continue
            if self._closed.is_set():
                return
