"""`dig +short`: data without owner and type. What was asked is known only from an echoed command."""

from __future__ import annotations

import ipaddress
import re

from expdiag.intake.names import records
from expdiag.intake.names.commands import Question
from expdiag.intake.names.records import Data, OddRecordError
from expdiag.intake.names.session import Session

# 10.77.1.10 from server 127.0.0.1 in 0 ms.
_IDENTIFIED = re.compile(
    r"^(?P<data>.*\S) from server (?P<server>\S+) in (?P<time>[0-9]{1,9}) (?P<unit>[mu])s\.$", re.A
)
_NAME = "a name"
_OF_NAMES = ("PTR", "NS", "DNAME")
_ONE_LABEL = re.compile(r"^[\w\\-]+\.$")
# Data no answer without success has
_CERTAIN = ("A", "AAAA", "SRV", "MX", "TXT")
_SHAPES = (
    ("SRV", re.compile(r"^[0-9]{1,5} [0-9]{1,5} [0-9]{1,5} \S+\.$", re.A)),
    ("MX", re.compile(r"^[0-9]{1,5} \S+\.$", re.A)),
    ("TXT", re.compile(r'^"[^"\\]*(?:\\.[^"\\]*)*"(?: "[^"\\]*(?:\\.[^"\\]*)*")*$')),
    (_NAME, re.compile(r"^[\w\\-]+(?:\.[\w\\-]+)+\.$")),
)


def shape(line: str) -> str | None:
    """Return the type the data of a line looks like, `a name` for a name alone, None where it looks like none."""
    try:
        return "A" if ipaddress.ip_address(line).version == 4 else "AAAA"
    except ValueError:
        return next((kind for kind, pattern in _SHAPES if pattern.match(line)), None)


def looks_like(line: str) -> bool:
    """Whether a line may be one of `+short`; other lists have such lines, too."""
    identified = _IDENTIFIED.match(line)
    return shape(identified["data"] if identified else line.strip()) is not None


def _kind(words: str, question: Question) -> str | None:
    """Return the type of a line's data: empty where it is a name and nothing tells what for, None for no data."""
    seen = shape(words)
    of_names = question.type in _OF_NAMES
    if seen != _NAME and not (of_names and _ONE_LABEL.match(words)):
        return seen or (None if of_names else question.type or None)
    if of_names:
        return question.type
    return "CNAME" if question.type else ""


class Short:
    """Takes lines of data, all of one answer where one question or none is known."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._mine = False
        self._owner = ""

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it is data and may be that of `+short`."""
        session = self._session
        asked = session.asked
        if (asked and not asked.short) or (session.current and not self._mine):
            return False
        identified = _IDENTIFIED.match(line)
        words = identified["data"] if identified else line.strip()
        question = session.question if session.single else Question()
        kind = _kind(words, question)
        if kind is None:
            return False
        try:
            data = records.data(kind, words) if kind else Data(records.name(words))
        except OddRecordError:
            return False
        if session.current is None:
            session.open("dig", number, line)
            self._mine, self._owner = True, question.name
            if asked and len(asked.questions) > 1:
                session.harvest.issue(
                    "question", "several names were asked for; which answer is whose is not shown", number
                )
        session.put("answer", self._owner, None, kind, data, number, line)
        if session.current and kind and kind in (question.type, *_CERTAIN):
            session.current.status = "NOERROR"
        if kind == "CNAME" and self._owner:
            self._owner = data.value
        if identified and session.current:
            session.current.server = identified["server"]
            session.current.rtt = int(identified["time"]) / (1 if identified["unit"] == "m" else 1000)
        return True

    def settle(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Forget the answer."""
        self._mine = False
