"""Certificates that stand as PEM blocks in the output of a probe."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

from expdiag.intake import certificates
from expdiag.intake.reading import Harvest
from expdiag.tables import Certificate

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_MAX_BLOCK = 1 << 20


@dataclass
class Blocks:
    """Takes the lines of PEM blocks; certificates count through the file, each chain holds those of one run."""

    harvest: Harvest
    chain: list[Certificate] = field(default_factory=list)
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
        before = len(self.harvest.rows.get("certificates", ()))
        row = _decoded(body, before + len(self.chain) + 1, line, self.harvest)
        if row and row.fingerprint not in {known.fingerprint for known in self.chain}:
            self.chain.append(row)

    def cut(self) -> None:
        """Report a block that has no end."""
        if self._open is not None:
            self.harvest.issue("truncated", "a certificate without its end", self._start)
        self._open = None

    def finish(self) -> tuple[str, ...] | None:
        """Add the rows of the chain; return its fingerprints, None where nothing was shown."""
        self.cut()
        for row in self.chain:
            issuer = next((other.position for other in self.chain if other.subject == row.issuer), None)
            self.harvest.add(row._replace(issued_by=None if issuer == row.position else issuer))
        fingerprints = tuple(row.fingerprint for row in self.chain)
        self.chain = []
        return fingerprints or None


def _is_base64(text: str) -> bool:
    return text.isascii() and text.replace("+", "").replace("/", "").rstrip("=").isalnum()


def _decoded(body: str, position: int, line: int, harvest: Harvest) -> Certificate | None:
    """Return the row of one certificate, None where it cannot be decoded, which is an issue."""
    decoded = certificates._decode([body], line, harvest)
    if decoded is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old but usable certificates
            row = certificates._row(decoded, "presented", position, 0)
    except Exception as error:  # the library has many, for fields that are anything
        harvest.issue("broken", f"a certificate with a field that cannot be decoded: {error}", line)
        return None
    text = (
        f"certificate presented: subject {row.subject}; SAN {', '.join(row.dns_names) or 'none'}; "
        f"valid {row.not_before:%Y-%m-%d} to {row.not_after:%Y-%m-%d}; issuer {row.issuer}"
    )
    return row._replace(source=harvest.note(line, text))
