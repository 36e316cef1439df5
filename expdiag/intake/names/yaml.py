"""`dig +yaml`: the lines BIND writes, which are a small part of YAML."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from expdiag.intake.names import records
from expdiag.intake.names.session import Lookup, Session
from expdiag.intake.reading import whole_number

# - type: MESSAGE      -      (9.16: a dash alone, the type below)
_BEGIN = re.compile(r"^-(?:\s+type: (?P<type>\w+))?$", re.A)
#     response_time: !!timestamp 2026-11-22T18:39:02.812Z
_PAIR = re.compile(r"^\s+(?P<key>[A-Za-z][\w-]*):(?: (?P<value>.*))?$", re.A)
#         - 'expc02.lab.test. 0 IN A 10.77.2.10'      (9.16: without the quotes)
_ITEM = re.compile(r"^\s+- (?P<quote>['\"]?)(?P<words>.*)(?P=quote)$")
_TIME = re.compile(r"^(?:!!timestamp )?(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?)Z$", re.A)
_SECTIONS = {"ANSWER_SECTION": "answer", "AUTHORITY_SECTION": "authority", "ADDITIONAL_SECTION": "additional"}
_KNOWN = re.compile(
    r"^(?:type|message|message_size|socket_family|response_port|query_address|query_port|response_message_data|"
    r"query_message_data|opcode|id|QUESTION|AUTHORITY|ADDITIONAL|OPT_PSEUDOSECTION|EDNS|version|udp|COOKIE|EDE|"
    r"INFO-CODE|EXTRA-TEXT|PURPOSE|NSID|CLIENT-SUBNET|PAD|TCP-KEEPALIVE)$"
)
_ERROR = re.compile(r"^\s+(?P<words>no servers could be reached|connection timed out; no servers could be reached)$")

_OWN = re.compile(r"^- type: (?:MESSAGE|DIG_ERROR)$|^\s+(?:type: [A-Z]+_RESPONSE|response_message_data:)$")


def looks_like(line: str) -> bool:
    """Whether a line is one only `dig +yaml` prints."""
    return _OWN.match(line) is not None


class Yaml:
    """Follows the messages of a list."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._section = ""
        self._asked_at: datetime | None = None
        self._inside = False
        self._error = False

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it is of a message."""
        if found := _BEGIN.match(line):
            self._begin(number, line, found["type"] or "")
            return True
        if not self._inside:
            return False
        if self._error and (found := _ERROR.match(line)):
            self._session.gave_up("TIMEOUT" if "timed out" in line else "UNREACHABLE", number, line, "dig")
            return True
        if item := _ITEM.match(line):
            return self._item(number, line, item["words"].replace("''", "'") if item["quote"] else item["words"])
        pair = _PAIR.match(line)
        return pair is not None and self._pair(number, line, pair["key"], (pair["value"] or "").strip())

    def settle(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Forget the message."""
        self._inside = self._error = False
        self._section = ""

    def _begin(self, number: int, line: str, kind: str) -> None:
        self._session.close()
        self.close()
        self._inside, self._error, self._asked_at = True, kind == "DIG_ERROR", None
        if not self._error:
            self._open(number, line)

    def _open(self, number: int, line: str) -> Lookup:
        now = self._session.open("dig", number, line)
        now.headed, now.complete = True, False
        return now

    def _pair(self, number: int, line: str, key: str, value: str) -> bool:
        now = self._session.current
        if now is None:
            return key in ("message", "type")
        if key == "type" and value == "DIG_ERROR":
            self._session.current, self._error = None, True
        elif key in _SECTIONS or key == "QUESTION_SECTION":
            self._section = _SECTIONS.get(key, "question")
        else:
            return self._transport(now, key, value) or self._head(now, number, line, key, value)
        return True

    def _transport(self, now: Lookup, key: str, value: str) -> bool:
        """Take who was asked, how and when."""
        if key == "query_time":
            now.time = self._asked_at = _time(value)
        elif key == "response_time":
            answered = _time(value)
            now.rtt = (answered - self._asked_at).total_seconds() * 1000 if answered and self._asked_at else None
            now.time = now.time or answered
        elif key == "response_address":
            now.server = value.strip('"')
        elif key == "socket_protocol":
            now.transport = value.lower()
        else:
            return False
        return True

    def _head(self, now: Lookup, number: int, line: str, key: str, value: str) -> bool:
        """Take what the header of the answer says."""
        if key == "status":
            now.status = value
            if not now.records:
                now.source = self._session.harvest.note(number, line)
        elif key == "flags":
            if now.authoritative is None:  # those of EDNS come later, under the same word
                now.authoritative = "aa" in value.split()
                self._session.truncated(now, value)
        elif key == "ANSWER":
            now.announced = whole_number(value)
            now.complete = now.announced == 0
        else:
            return bool(_KNOWN.match(key))
        return True

    def _item(self, number: int, line: str, words: str) -> bool:
        session, now = self._session, self._session.current
        if now is None:
            return False
        if self._section == "question":
            parts = words.split()
            if len(parts) < 2 or not records.known_type(parts[-1]):
                return False
            now.name, now.type = session.spelled(parts[0], number), parts[-1].upper()
            return True
        found = records.split(words)
        if found is None or not self._section:
            return False
        session.record(self._section, found, number, line)
        now.complete = now.shown == now.announced
        return True


def _time(text: str) -> datetime | None:
    found = _TIME.match(text)
    try:
        return datetime.fromisoformat(found["time"][:26]).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
