"""The page Maintenance > Tools > Network utilities > DNS lookup of an Expressway, pasted as text.

Doubtful: its columns are documented by name only (query type, name, TTL, class, type, response), not how a browser
pastes them. Tabs or blanks between them are taken, and other lines are issues.
"""

from __future__ import annotations

import re

from expdiag.intake.names import records
from expdiag.intake.names.records import Line
from expdiag.intake.names.session import Session

_HEAD = re.compile(r"^\s*Query type\s+Name\s+TTL\s+Class\s+Type\s+Response\s*$", re.I)
# SRV	_sips._tcp.lab.test.	300	IN	SRV	10 10 5061 expc01.lab.test.
_ROW = re.compile(
    r"^\s*(?P<asked>[A-Za-z](?:[^\t]{0,60}\t|\S{0,60}\s))\s*(?P<name>\S{1,255})\s+(?P<ttl>[0-9]{1,10})\s+IN\s+"
    r"(?P<type>[A-Z][A-Z0-9]{0,9})\s+(?P<data>\S.*)$",
    re.A,
)


def looks_like(line: str) -> bool:
    """Whether a line is the head of the page's table."""
    return bool(_HEAD.match(line))


class LookupPage:
    """Follows the rows below the head; each type that was asked for is a question of its own."""

    name = "DNS lookup page"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._inside = False
        self._asked = ""

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it is the head or a row of the table."""
        session = self._session
        if _HEAD.match(line):
            session.close()
            self._inside, self._asked = True, ""
            return True
        row = _ROW.match(line) if self._inside else None
        kind = records.known_type(row["type"]) if row else None
        if row is None or kind is None:
            return False
        asked = row["asked"].strip()
        if asked != self._asked:
            session.close()
            self._asked = asked
        found = Line(row["name"], records.seconds(row["ttl"]), kind, row["data"].strip())
        now = session.bare(self.name, found, number, line)
        now.type = records.known_type(asked.split()[0]) or now.type
        return True

    def settle(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Forget the table."""
        self._inside = False
