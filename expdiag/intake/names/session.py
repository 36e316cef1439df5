"""What the tools share: the lookup that is open, what failed before it, and what the command asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from expdiag.intake.names import records
from expdiag.intake.names.commands import Command, Question, command
from expdiag.intake.names.records import Data, Line, OddRecordError
from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest
from expdiag.tables import DnsQuery, DnsRecord

ALIASES = ("CNAME", "DNAME")
# What is no answer of a server: nothing can have been counted
NO_ANSWER = ("TIMEOUT", "UNREACHABLE", "CONNECTION-REFUSED", "CONNECTION-CLOSED", "MALFORMED", "FAILED")


class Failure(NamedTuple):
    """A server that gave no answer."""

    server: str
    status: str
    transport: str
    number: int
    line: str
    name: str = ""


@dataclass
class Lookup:
    """One question as far as its output was read.

    Attributes:
        announced: answers as a header counts them.
        shown: answers that were printed.
        records: records that were printed, in any section.
        headed: it began with a header, so more must follow.
        asked: the question is known, not taken from its first record.
        truncated: the server left records out.
        last: owner, type and value of the last record of the answer.
    """

    tool: str
    number: int
    source: int
    name: str = ""
    type: str = ""
    server: str = ""
    status: str = ""
    authoritative: bool | None = None
    announced: int | None = None
    shown: int = 0
    records: int = 0
    rtt: float | None = None
    time: datetime | None = None
    transport: str = ""
    headed: bool = False
    asked: bool = False
    complete: bool = True
    truncated: bool = False
    failures: tuple[Failure, ...] = ()
    last: tuple[str, str, str] = ("", "", "")

    def row(self, asked: Question, vantage: str) -> DnsQuery:
        """Return it as a row; what it does not show itself is what the command asked."""
        answers = self.announced
        if answers is None and self.status not in NO_ANSWER and (self.complete or not self.headed):
            answers = self.shown
        if self.truncated:
            answers = None
        return DnsQuery(
            vantage=vantage,
            server=self.server or asked.server,
            name=self.name or asked.name,
            type=self.type or asked.type,
            status=self.status,
            authoritative=self.authoritative,
            answers=answers,
            rtt=self.rtt,
            time=self.time,
            transport=self.transport or asked.transport,
            tool=self.tool,
            source=self.source,
        )

    def continues(self, owner: str, kind: str) -> bool:
        """Whether a record belongs to this answer, where the output does not part one from the next."""
        last_owner, last_kind, value = self.last
        return (owner, kind) == (last_owner, last_kind) or (last_kind in ALIASES and owner == value)


@dataclass
class Session:
    """The state all tools of a file share.

    Attributes:
        harvest: where rows and issues go.
        asked: the command that runs, as a prompt or a banner shows it.
        current: the lookup that is open.
        silent: nothing has come of the command, the banner or the server's name yet.
        unread: the command has printed a line nobody understood.
        speaker: who prints messages: `dig`, or `host` with `-v`.
    """

    harvest: Harvest
    asked: Command | None = None
    current: Lookup | None = None
    silent: bool = False
    unread: bool = False
    speaker: str = "dig"
    _failures: list[Failure] = field(default_factory=list)
    _next: int = 0
    _answered: set[int] = field(default_factory=set)
    _host: str = ""
    _transport: str = ""
    _asked_line: tuple[int, str] = (0, "")
    _last_record: int = 0

    def prompt(self, number: int, line: str) -> bool:
        """Take a prompt or an echoed command; what was open is closed."""
        seen = prompt(f"{line} ")  # a prompt alone may be known by its blank
        asked = command(seen.command if seen else line)
        if not seen and not asked:
            return False
        self.end()
        if seen and seen.host:
            self._host = seen.host
        self.asked, self._asked_line = asked, (number, line)
        self.silent, self.unread = asked is not None, False
        return True

    def banner(self, asked: Command, number: int, line: str) -> None:
        """Take the command a tool says itself."""
        self.close()
        self.asked, self._next, self._answered = asked, 0, set()
        self.expect(number, line)

    def expect(self, number: int, line: str) -> None:
        """Take note of a line after which an answer must follow."""
        self.silent, self._asked_line = not self._failures, (number, line)

    @property
    def question(self) -> Question:
        """The question of the command that is answered next; empty where no command is shown."""
        questions = self.asked.questions if self.asked else ()
        return questions[self._next] if self._next < len(questions) else Question()

    @property
    def single(self) -> bool:
        """Whether the command is known and asks one question only."""
        return self.asked is not None and len(self.asked.questions) == 1

    def open(self, tool: str, number: int, line: str, *, name: str = "", status: str = "", server: str = "") -> Lookup:
        """Begin a lookup; the one before it is closed."""
        self.close()
        source = self.harvest.note(number, line)
        self.current = Lookup(tool, number, source, name, status=status, server=server, failures=tuple(self._failures))
        self.current.transport, self._transport = self._transport, ""
        self._failures, self.silent = [], False
        return self.current

    def spelled(self, text: str, number: int) -> str:
        """Return a name in the one spelling; one that is odd stays as it is and is an issue."""
        try:
            return records.name(text)
        except OddRecordError as error:
            self.harvest.issue("unparsed", str(error), number)
            return text.lower()

    def record(self, section: str, found: Line, number: int, line: str) -> None:
        """Add a record to the lookup that is open; odd data is kept in its words and is an issue."""
        owner = self.spelled(found.owner, number)
        try:
            data = records.data(found.kind, found.words)
        except OddRecordError as error:
            self.harvest.issue("unparsed", str(error), number)
            data = Data(found.words)
        self.put(section, owner, found.ttl, found.kind, data, number, line)

    def put(self, section: str, owner: str, ttl: int | None, kind: str, data: Data, number: int, line: str) -> None:
        """Add a record of known data to the lookup that is open."""
        now = self.current
        assert now is not None
        now.records += 1
        if section == "answer":
            now.shown += 1
            now.last = (owner, kind, data.value)
        source = self.harvest.note(number, line)
        self.harvest.add(DnsRecord(now.source, section, owner, ttl, kind, *data, source))
        self._last_record = number

    def bare(self, tool: str, found: Line, number: int, line: str) -> Lookup:
        """Add a record of an answer that shows no question: one that continues no chain begins the next lookup."""
        now = self.current
        owner = self.spelled(found.owner, number)
        if now is None or not (now.last == ("", "", "") or now.continues(owner, found.kind)):
            now = self.open(tool, number, line, name=owner)
        now.name = now.name or owner
        self.record("answer", found, number, line)
        if found.kind not in ALIASES:
            now.type, now.status = now.type or found.kind, now.status or "NOERROR"
        return now

    def failed(self, server: str, status: str, number: int, line: str, transport: str = "", name: str = "") -> None:
        """Remember a server that gave no answer; tries of the same one are one failure."""
        self.close()
        self.silent = False
        if not any((old.server, old.status) == (server, status) for old in self._failures):
            self._failures.append(Failure(server, status, transport, number, line, name))

    def retries_in_tcp(self) -> None:
        """Take note that the next answer comes over TCP."""
        self.close()
        self._transport = "tcp"

    def gave_up(self, status: str, number: int, line: str, tool: str = "") -> None:
        """Take the line that says that no server answered; its question is the next of the command."""
        self.close()
        self.silent = False
        failures = self._failures or [Failure(self.question.server, status, "", number, line)]
        self._emit_failures(failures, self.question, tool)
        self._failures = []
        self._answered.add(self._next)
        self._next += 1

    def truncated(self, now: Lookup, flags: str) -> None:
        """Say where the flags of an answer say that the server left records out."""
        now.truncated = "tc" in flags.split()
        if now.truncated:
            self.harvest.issue("incomplete-answer", "the server left records out of this answer (flag tc)", now.number)

    def close(self, cut: bool = False) -> None:
        """Close the lookup that is open and add its row; `cut` where the file ends inside it."""
        now, self.current = self.current, None
        if now is None:
            return
        asked = self._question_of(now)
        if cut and now.headed and not now.complete and not self._without_end(now):
            self._cut(now)
        elif now.announced is not None and now.announced != now.shown:
            text = f"the header counts {now.announced} answers, {now.shown} are printed"
            self.harvest.issue("contradiction", text, now.number)
        row = now.row(asked, self.vantage)
        if not row.name:
            self._no_question(now.number)
        others = [failure for failure in now.failures if (failure.server, failure.status) != (row.server, row.status)]
        self._emit_failures(others, Question(row.name, row.type), now.tool)
        self._add(row)

    def _question_of(self, now: Lookup) -> Question:
        """Return the question of the command a lookup answers; empty where it is none of them."""
        questions = self.asked.questions if self.asked else ()
        if self.single:
            self._answered.add(0)
            return questions[0]
        for place, question in enumerate(questions[self._next :], start=self._next):
            if not now.name or (now.name == question.name and now.type in ("", question.type)):
                self._next = place + 1
                self._answered.add(place)
                return question
        return Question()

    def _without_end(self, now: Lookup) -> bool:
        """Whether a command prints nothing after its records, and all of them are there."""
        options = self.asked.options if self.asked else frozenset()
        return now.announced == now.shown and bool(options & {"+nostats", "+noall"})

    def end(self, of_file: bool = False) -> None:
        """Close what is open, where the next command or the end of the file ends it."""
        if of_file and self.harvest.open_end and self._last_record and self._last_record == self.harvest.lines:
            text = "the file ends without a line end; this record may be cut"
            self.harvest.issue("truncated", text, self._last_record)
        self.close(cut=of_file)
        if self._failures:
            self._emit_failures(self._failures, self.question)
            if of_file:
                self.harvest.issue("truncated", "the output ends before it says whether another server answered")
            self._failures = []
        elif not self.unread:
            self._nothing_printed(of_file)
        self.asked, self.silent, self._next, self._answered = None, False, 0, set()

    @property
    def vantage(self) -> str:
        """Where the question was asked: the folder, else the prompt."""
        return self.harvest.vantage or self._host

    def _cut(self, now: Lookup) -> None:
        self.harvest.issue("truncated", f"the answer to {now.name or 'a question'} ends before its end", now.number)
        rows = self.harvest.rows.get("dns_records", [])
        if rows and self._last_record == self.harvest.lines:
            self.harvest.issue("truncated", "the file ends in this record, which is left out", self._last_record)
            rows.pop()

    def _nothing_printed(self, of_file: bool) -> None:
        """An empty answer is a finding where a command prints records only, and another prompt shows its end."""
        number, line = self._asked_line
        asked = self.asked or Command("")
        if not asked.bare or (asked.short and not self.silent):
            if self.silent and (asked.questions or not self.asked):
                self.harvest.issue("truncated" if of_file else "no-output", f"no answer follows: {line}", number)
            return
        left = [question for place, question in enumerate(asked.questions) if place not in self._answered]
        for question in left if number else ():
            row = Lookup(asked.tool, number, self.harvest.note(number, line)).row(question, self.vantage)
            self._add(row._replace(answers=None) if of_file else row)
            if of_file:
                text = f"the file ends before another prompt; whether {question.name} has an answer is not shown"
                self.harvest.issue("truncated", text, number)

    def _emit_failures(self, failures: Iterable[Failure], asked: Question, tool: str = "") -> None:
        tool = self.asked.tool if self.asked else tool
        for failure in failures:
            if not asked.name and not failure.name:
                self._no_question(failure.number)
            failed = Lookup(tool, failure.number, self.harvest.note(failure.number, failure.line))
            failed.server, failed.status, failed.transport = failure.server, failure.status, failure.transport
            failed.name = asked.name or (self.spelled(failure.name, failure.number) if failure.name else "")
            self._add(failed.row(asked, self.vantage))

    def _no_question(self, number: int) -> None:
        self.harvest.issue(
            "question", "nothing shows which name was asked for; send the command with its output", number
        )

    def _add(self, row: DnsQuery) -> None:
        if row.time:
            self.harvest.clock(row.time)
        self.harvest.add(row)
