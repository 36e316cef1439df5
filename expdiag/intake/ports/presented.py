"""Certificates that stand as PEM blocks in the output of a probe."""

from __future__ import annotations

from dataclasses import dataclass, field

from expdiag.intake import certificates
from expdiag.intake.reading import Harvest

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_MAX_BLOCK = 1 << 20


@dataclass
class Blocks:
    """Takes the lines of PEM blocks; certificates count through the file, each chain holds those of one run."""

    harvest: Harvest
    _blocks: dict[str, int] = field(default_factory=dict)  # content and line; a tool may print the first one twice
    _open: list[str] | None = None
    _start: int = 0
    _size: int = 0

    def take(self, number: int, line: str) -> bool:
        """Take a line where it belongs to a block; return whether it does."""
        text = line.strip()
        if text == BEGIN:
            self.cut()
            self._open, self._start, self._size = [], number, 0
        elif self._open is None:
            return False
        elif text == END:
            self.certificate("\n".join(self._open), self._start)
            self._open = None
        elif not _is_base64(text) or self._size > _MAX_BLOCK:
            self.cut()
            return False
        else:
            self._open.append(text)
            self._size += len(text)
        return True

    def certificate(self, body: str, line: int) -> None:
        """Take a block without its marks."""
        self._blocks.setdefault(body, line)

    def cut(self) -> None:
        """Report a block that has no end."""
        if self._open is not None:
            self.harvest.issue("truncated", "a certificate without its end", self._start)
        self._open = None

    def finish(self) -> tuple[str, ...] | None:
        """Add the rows of the chain; return its fingerprints, None where nothing was shown."""
        self.cut()
        numbered = [(line, text) for body, line in self._blocks.items() for text in (BEGIN, *body.split("\n"), END)]
        rows = certificates.from_pem(numbered, "presented", self.harvest)
        self._blocks = {}
        return tuple(row.fingerprint for row in rows) or None


def _is_base64(text: str) -> bool:
    return text.isascii() and text.replace("+", "").replace("/", "").rstrip("=").isalnum()
