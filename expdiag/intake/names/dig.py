"""Messages as dig prints them (9.3 to 9.20), and `host -v`, which prints the same: questions, sections, statistics."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from expdiag.intake.names import records
from expdiag.intake.names.commands import dig as dig_command
from expdiag.intake.names.records import Line
from expdiag.intake.names.session import ALIASES, Lookup, Session
from expdiag.intake.reading import whole_number

# ; <<>> DiG 9.18.49-1~deb12u3-Debian <<>> SRV _sips._tcp.lab.test
_BANNER = re.compile(r"^; <<>> DiG (?P<release>\S+) <<>>(?P<words>.*)$")
# ;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 41230
_HEADER = re.compile(r"^;; ->>HEADER<<- opcode: [\w ]{1,20}, status: (?P<status>\w{1,20}), id: [0-9]+$", re.A)
# ;; flags: qr aa rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
_FLAGS = re.compile(
    r"^;; flags:(?P<flags>[^;]*);.* ANSWER: (?P<answers>[0-9]{1,6}), AUTHORITY: [0-9]+, ADDITIONAL: [0-9]+", re.A
)
_SECTION = re.compile(r"^;; (?P<section>QUESTION|ANSWER|AUTHORITY|ADDITIONAL|[A-Z0-9]+ ?PSEUDO) ?SECTION:$", re.A)
# ;expc02.lab.test.		IN	A
_QUESTION = re.compile(
    r"^;(?P<name>[^\s;]*\.)\s+(?:(?:IN|CH|HS|ANY|CLASS[0-9]+)\s+)?(?P<type>[A-Z][A-Z0-9-]*)(?:=[0-9]+)?$", re.A
)
# expc02.lab.test.	0	IN	A	10.77.2.10
_RECORD_LINE = re.compile(r"^[^\s;]*\.\s+[0-9]\w{0,15}\s+(?:(?:IN|CH|HS)\s+)?[A-Z][A-Z0-9-]*\s+\S", re.A)
_TIME = re.compile(r"^;; Query time: (?P<time>[0-9]{1,9}) (?P<unit>[mu])sec$", re.A)
# ;; SERVER: 10.77.7.53#53(10.77.7.53) (UDP)
_SERVER = re.compile(r"^;; SERVER: (?P<server>[^\s#]+)#[0-9]+(?:\([^)]*\))?(?: \((?P<transport>[A-Z]+)\))?$", re.A)
# ;; WHEN: Sun Nov 22 18:39:02 UTC 2026      ;; WHEN: Sun Nov 22 18:39:02 2026 (before 9.10)
_WHEN = re.compile(
    r"^;; WHEN: \w{3} (?P<month>[A-Z][a-z]{2}) +(?P<day>[0-9]{1,2}) (?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?: (?P<zone>[A-Za-z]+|[+-][0-9]{2}(?:[0-9]{2})?))? (?P<year>[0-9]{4})$",
    re.A,
)
_TRANSFER = re.compile(r"^;; XFR size: (?P<count>[0-9]{1,9}) records", re.A)
# ;; Received 82 bytes from 10.0.0.1#53(10.0.0.1) in 4 ms     (host -v prints it without the marks)
_RECEIVED = re.compile(
    r"^(?:;; )?Received [0-9]+ bytes from (?P<server>[^\s#]+)#[0-9]+(?:\([^)]*\))? in (?P<time>[0-9]{1,9}) ms$", re.A
)
_WARNING = re.compile(
    r"^;; (?:WARNING|Warning)\b[:,]? ?.+$|^;; Got recursion not available from .+$|^;; Question section mismatch.*$"
)
_DECORATION = re.compile(
    r"^; \([0-9]+ servers? found\)$|^;; global options:|^; (?:EDNS|COOKIE|EDE|NSID|CLIENT-SUBNET|OPT=\w+|PAD|EXPIRE|"
    r"TCP[- ]KEEPALIVE|LLQ|UL|DAU|DHU|N3U|ZONEVERSION|REPORT-CHANNEL|Report-Channel)\b ?:|"
    r"^;; (?:MSG SIZE|QUERY SIZE)\b|"
    r"^;; BADCOOKIE, retrying|^;; OPT PSEUDOSECTION:$|^;; expected opt record in response",
    re.A,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_LINES_OF_A_RECORD = 500


def looks_like(line: str) -> bool:
    """Whether a line is dig's own beyond doubt, or a record in its layout."""
    if line.startswith(";"):
        return any(pattern.match(line) for pattern in (_BANNER, _HEADER, _FLAGS, _SECTION, _SERVER, _TIME, _WHEN))
    return _RECORD_LINE.match(line) is not None


class Dig:
    """Follows messages line by line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._section = ""
        self._sending = False
        self._open: tuple[int, str, list[str]] | None = None  # a record over several lines, as far as it was read

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it is of a message."""
        if self._open:
            return self._go_on(number, line)
        if line.startswith(";"):
            return self._comment(number, line)
        if received := _RECEIVED.match(line):
            return self._received(received)
        return self._record(number, line)

    def close(self) -> None:
        """Forget the message; a record that is still open ends here."""
        if self._open:
            number, line, _ = self._open
            self._session.harvest.issue("truncated", f"this record ends before its closing bracket: {line}", number)
        self._open, self._section, self._sending = None, "", False

    def settle(self) -> None:
        """Nothing is held back."""

    def _comment(self, number: int, line: str) -> bool:
        session, now = self._session, self._session.current
        if found := _BANNER.match(line):
            session.banner(dig_command(found["words"].split()), number, line)
            session.speaker, self._section = "dig", ""
        elif line in (";; Got answer:", ";; Sending:"):
            session.speaker, self._section, self._sending = "dig", "", line == ";; Sending:"
            if not self._sending:
                self._begin(number, line)
        elif found := _HEADER.match(line):
            self._header(number, line, found["status"])
        elif found := _SECTION.match(line):
            self._section = found["section"].lower()
        elif (found := _QUESTION.match(line)) and self._section in ("question", ""):
            self._question(number, line, found)
        elif _WARNING.match(line):
            session.harvest.issue("warning", line, number)
        elif now and self._statistics(line):
            return True
        elif line == "; Transfer failed.":
            self._begin(number, line).status = "FAILED"
        else:
            return bool(_DECORATION.match(line) or (self._sending and _FLAGS.match(line)))
        return True

    def _begin(self, number: int, line: str) -> Lookup:
        return self._session.open(self._session.speaker, number, line)

    def _header(self, number: int, line: str, status: str) -> None:
        if self._sending:
            return
        now = self._session.current
        if now is None or now.headed or now.records or now.tool != self._session.speaker:
            now = self._begin(number, line)
        now.source, now.number = self._session.harvest.note(number, line), number
        now.headed, now.complete, now.status = True, False, status
        self._section = ""

    def _question(self, number: int, line: str, found: re.Match[str]) -> None:
        """Take the question; without comments it is the first line of an answer."""
        if self._sending:
            return
        now = self._session.current
        if now is None or now.name or now.records:
            now = self._begin(number, line)
        now.name, now.type, now.asked = self._session.spelled(found["name"], number), found["type"], True

    def _statistics(self, line: str) -> bool:
        now = self._session.current
        assert now is not None
        if (found := _FLAGS.match(line)) and not self._sending:
            now.authoritative, now.announced = "aa" in found["flags"].split(), whole_number(found["answers"])
            self._session.truncated(now, found["flags"])
        elif found := _TIME.match(line):
            now.rtt, now.complete = int(found["time"]) / (1 if found["unit"] == "m" else 1000), True
        elif found := _SERVER.match(line):
            now.server, now.complete = found["server"], True
            now.transport = (found["transport"] or now.transport).lower()
        elif found := _WHEN.match(line):
            now.time, now.complete = when(found), True
        elif line.startswith(";; WHEN: ") or line.startswith(";; MSG SIZE"):
            now.complete = True
        elif found := _TRANSFER.match(line):
            now.complete, now.announced = True, whole_number(found["count"])
            now.status = now.status or "NOERROR"
        elif _RECEIVED.match(line):
            return self._received(_RECEIVED.match(line))
        else:
            return False
        return True

    def _received(self, found: re.Match[str] | None) -> bool:
        now = self._session.current
        if now is None or found is None:
            return False
        now.server, now.rtt, now.complete = found["server"], float(found["time"]), True
        self._session.close()
        return True

    def _record(self, number: int, line: str) -> bool:
        text, depth = _plain(line, 0)
        if depth and records.split(text.replace("(", " ") + " -"):
            self._open = (number, line, [text])
            return True
        return self._add(number, line, text)

    def _go_on(self, number: int, line: str) -> bool:
        """Take one more line of a record in brackets."""
        assert self._open
        first, head, parts = self._open
        if line.startswith(";;") or not line.strip() or len(parts) > _MOST_LINES_OF_A_RECORD:
            self.close()
            return self.take(number, line) if line.strip() else False
        text, depth = _plain(line, 1)
        parts.append(text)
        if depth == 0:
            self._open = None
            whole = " ".join(parts)
            if not self._add(first, head, whole):
                self._session.harvest.issue("unrecognised", whole, first)
        return True

    def _add(self, number: int, line: str, text: str) -> bool:
        found = records.split(text.replace("(", " ").replace(")", " ") if text != line else text)
        if found is None or not found.owner:
            return False
        session, now = self._session, self._session.current
        if self._sending:
            return True
        if now is not None and self._section in ("answer", "authority", "additional"):
            session.record(self._section, found, number, line)
        elif (now is not None and now.headed) or not found.owner.endswith("."):
            return False
        else:
            self._bare(found, number, line)
        return True

    def _bare(self, found: Line, number: int, line: str) -> None:
        """Add a record that stands below no head; with a known question, what is no answer to it stands beside it."""
        session, now = self._session, self._session.current
        if now is None and session.single:
            now = self._begin(number, line)
            now.name, now.type, now.asked = session.question.name, session.question.type, True
        if now is None or not now.asked:
            session.bare("dig", found, number, line)
            return
        options = session.asked.options if session.asked else frozenset()
        section = _section(now, session.spelled(found.owner, number), found.kind, "+trace" in options)
        session.record(section, found, number, line)
        if section == "answer" and (found.kind not in ALIASES or found.kind == now.type):
            now.status = now.status or "NOERROR"
            now.name = now.last[0] if now.shown == 1 and "+search" in options else now.name


def _section(now: Lookup, owner: str, kind: str, trace: bool) -> str:
    """Return the section of a record where no head tells, by what was asked."""
    if now.type in ("AXFR", "IXFR"):
        return "answer"
    first = now.shown == 0 and not trace
    if (kind in (now.type, *ALIASES, "RRSIG") or now.type == "ANY") and (
        first or owner == now.name or now.continues(owner, kind)
    ):
        return "answer"
    return "authority" if kind in ("NS", "SOA") else "additional"


def _plain(line: str, depth: int) -> tuple[str, int]:
    """Return a line without its comment, and whether a bracket is open at its end."""
    quoted = escaped = False
    for place, sign in enumerate(line):
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == '"':
            quoted = not quoted
        elif not quoted and sign == ";":
            return line[:place].rstrip(), depth
        elif not quoted and sign in "()":
            depth = 1 if sign == "(" else 0
    return line, depth


def when(found: re.Match[str]) -> datetime | None:
    """Return the time of a WHEN line; None where its zone is a name, which says nothing certain, or there is none."""
    zone = found["zone"] or ""
    if zone in ("UTC", "GMT"):
        offset = timedelta()
    elif zone[:1] in ("+", "-") and zone:
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0)) * (-1 if zone[0] == "-" else 1)
    else:
        return None
    try:
        month = _MONTHS.index(found["month"]) + 1
        hour, minute, second = map(int, found["clock"].split(":"))
        local = datetime(int(found["year"]), month, int(found["day"]), hour, minute, second, tzinfo=timezone(offset))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
