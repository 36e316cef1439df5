"""Output of `host`: one sentence a record. It prints an answer only where the status is NOERROR."""

from __future__ import annotations

import re

from expdiag.intake.names import records
from expdiag.intake.names.records import Line
from expdiag.intake.names.session import Session

# _sips._tcp.lab.test has SRV record 10 10 5061 expc01.lab.test.
_RECORDS = (
    ("A", re.compile(r"^(?P<owner>\S+) has address (?P<data>\S+)$")),
    ("AAAA", re.compile(r"^(?P<owner>\S+) has IPv6 address (?P<data>\S+)$")),
    ("CNAME", re.compile(r"^(?P<owner>\S+) is an alias for (?P<data>\S+)$")),
    ("PTR", re.compile(r"^(?P<owner>\S+) domain name pointer (?P<data>\S+)$")),
    ("MX", re.compile(r"^(?P<owner>\S+) mail is handled(?: by)? (?:\(pri=)?(?P<data>[0-9]{1,5}(?:\) by)? \S+)$", re.A)),
    ("NS", re.compile(r"^(?P<owner>\S+) name server (?P<data>\S+)$")),
    ("TXT", re.compile(r"^(?P<owner>\S+) descriptive text (?P<data>\S.*)$")),
    ("", re.compile(r"^(?P<owner>\S+) has (?P<kind>[A-Z][A-Z0-9-]*) record (?P<data>\S.*)$", re.A)),
)
_NONE = re.compile(r"^(?P<owner>\S+) has no (?P<kind>[A-Z][A-Z0-9-]*) record$", re.A)
# Host nosuch.lab.test not found: 3(NXDOMAIN)
_NOT_FOUND = re.compile(r"^Host (?P<owner>\S+) not found: [0-9]+\((?P<status>[A-Z]+)\)$", re.A)
_TRYING = re.compile(r'^Trying "(?P<name>[^"]*)"$')
_USING = "Using domain server:"
_SERVER = re.compile(r"^(?:Name: (?P<name>\S+)|Address: (?P<address>[^\s#]+)#[0-9]+|Aliases: ?\S*)$", re.A)

_OWN = (_NONE, _NOT_FOUND, _TRYING, *(pattern for _, pattern in _RECORDS))


def looks_like(line: str) -> bool:
    """Whether a line is a sentence of `host`."""
    return line == _USING or any(pattern.match(line) for pattern in _OWN)


def _split(line: str) -> Line | None:
    for kind, pattern in _RECORDS:
        if found := pattern.match(line):
            known = kind or records.known_type(found["kind"])
            return Line(found["owner"], None, known, found["data"].replace(") by", "")) if known else None
    return None


class Host:
    """Follows the sentences; the server is named before them where one was given."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._introducing = 0
        self._server = ""

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it is a sentence of `host`."""
        session = self._session
        if line == _USING:
            session.close()
            self._introducing, self._server = 3, ""
        elif self._introducing and (server := _SERVER.match(line)):
            self._introducing -= 1
            self._server = server["address"] or self._server
        elif _TRYING.match(line):
            session.close()
            session.speaker = "host"
        elif found := _NOT_FOUND.match(line):
            self._empty(number, line, found["owner"], "", found["status"])
        elif found := _NONE.match(line):
            self._empty(number, line, found["owner"], found["kind"], "NOERROR")
        elif record := _split(line):
            now = session.bare("host", record, number, line)
            now.server, now.status = self._server, "NOERROR"
        else:
            return False
        return True

    def settle(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Forget the server."""
        self._introducing, self._server = 0, ""

    def _empty(self, number: int, line: str, owner: str, kind: str, status: str) -> None:
        now = self._session.open("host", number, line)
        now.name, now.type = self._session.spelled(owner, number), kind
        now.server, now.status = self._server, status
        if now.name.endswith((".in-addr.arpa", ".ip6.arpa")):
            now.type = kind or "PTR"
