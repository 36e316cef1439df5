"""The pings that print one line a probe and two lines of summary: iputils, BSD, busybox and NX-OS share its shape."""

from __future__ import annotations

import re
from collections.abc import Callable

from expdiag.intake.ping import bsd, busybox, iputils, nxos
from expdiag.intake.ping.forms import Form
from expdiag.intake.ping.rows import clock, finish, unresolved
from expdiag.intake.ping.run import Run, Session
from expdiag.intake.ping.words import ADDRESS, COUNT, LONGEST_LINE, MILLISECONDS, NUMBER, STAMP, decimal, speaker

_SHARED = (
    # [1795372714.214748] 64 bytes from expc03.lab.test (10.77.3.10): icmp_seq=1 ttl=62 time=32.5 ms
    # 64 octets de 10.77.2.10 : icmp_seq=1 ttl=62 temps=14.5 ms
    # 16 bytes from fd77:2::10, icmp_seq=0 hlim=62 time=14.501 ms
    Form(
        "answer",
        re.compile(
            rf"^{STAMP}(?:[0-9:.]{{15}} )?[0-9]+ (?P<from>[^=]{{1,400}}?)[:,，] ?(?:icmp_)?seq=(?P<sequence>{COUNT})"
            rf"(?: ident=[0-9]+)?(?: (?:ttl|hlim)=[0-9]+)? [^\W\d]+=(?P<rtt>{NUMBER}) ?{MILLISECONDS}(?P<tail>\W.*)?$"
        ),
        own=True,
    ),
    # Too small a packet for a clock: 16 bytes from 10.77.2.10: icmp_seq=1 ttl=62
    Form(
        "answer",
        re.compile(
            rf"^{STAMP}[0-9]+ (?P<from>[^=]{{1,400}}?)[:,，] ?(?:icmp_)?seq=(?P<sequence>{COUNT}) (?:ttl|hlim)=[0-9]+"
            r"(?P<rtt>)(?P<tail> \(.*)?$"
        ),
        own=True,
    ),
    # 30 packets transmitted, 27 received, +3 errors, 10% packet loss, time 2922ms
    # 5 Pakete übertragen, 5 empfangen, 0% Paketverlust, Zeit 4005ms
    Form("counts", re.compile(rf"^(?P<sent>{COUNT}) [^\d,]{{1,60}}, (?P<received>{COUNT}) [^\d,]{{1,60}}(?:,|$)")),
    # rtt min/avg/max/mdev = 36.690/37.437/40.030/0.638 ms     rtt min/moy/max/mdev = 36,690/37,437/40,030/0,638 ms
    Form(
        "times",
        re.compile(
            rf"^(?:[\w-]+ +)?[^\s/]+/[^\s/]+/[^\s/]+(?:/[\w-]+)? = (?P<min>{NUMBER})/(?P<mean>{NUMBER})/"
            rf"(?P<max>{NUMBER})(?:/(?P<deviation>{NUMBER}|nan))? {MILLISECONDS}\b"
        ),
    ),
    Form("decoration", re.compile(r"^\^C$")),
)
_FORMS = (*_SHARED, *iputils.FORMS, *bsd.FORMS, *nxos.FORMS, *busybox.FORMS)
_OPENING = ("head", "answer", "unresolved", "no_way")


class Unix:
    """Follows runs line by line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._harvest = session.harvest
        self._run: Run | None = None
        self._steps: dict[str, Callable[[Run, re.Match[str], int, str], None]] = {
            "answer": self._answer,
            "error": self._error,
            "timeout": self._timeout,
            "statistics": self._statistics,
            "counts": self._counts,
            "times": self._times,
            "decoration": lambda *_: None,
        }

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is one that only a ping prints."""
        text = _text(line)
        return any(form.own and form.pattern.match(text) for form in _FORMS)

    def take(self, number: int, line: str) -> bool:
        """Understand a line; a head or an answer begins a run, anything else only stands in one."""
        text = _text(line)
        for form in _FORMS:
            if self._run is None and form.means not in _OPENING:
                continue
            if found := form.pattern.match(text):
                return self._follow(form, found, number, line)
        return False

    def close(self) -> None:
        """End the run."""
        finish(self._run, self._harvest)
        self._run = None

    def _follow(self, form: Form, found: re.Match[str], number: int, line: str) -> bool:
        if form.means == "head":
            self._head(form, found, number, line)
        elif form.means == "no_way":
            return self._no_way(found, number, line)
        elif form.means == "unresolved":
            self.close()
            unresolved(found["target"], number, line, self._session)
        else:
            if form.means == "answer" and (self._run is None or self._run.complete):
                self._beheaded(found, number, line)
            assert self._run is not None
            self._steps[form.means](self._run, found, number, line)
        return True

    def _head(self, form: Form, found: re.Match[str], number: int, line: str) -> None:
        self.close()
        groups = found.groupdict()
        self._run = Run(
            groups.get("target") or groups["address"],
            groups["address"],
            self._harvest.note(number, line),
            vantage=self._session.vantage(groups.get("from") or ""),
            first=form.first,
        )

    def _no_way(self, found: re.Match[str], number: int, line: str) -> bool:
        """Nothing was sent, and only the echoed command tells whereto."""
        target = self._session.command.split()[-1:]
        if not target or target[0].startswith("-") or not self._session.command.startswith("ping"):
            return False
        self.close()
        address = target[0] if re.fullmatch(ADDRESS, target[0]) else ""
        source = self._harvest.note(number, line)
        run = Run(target[0], address, source, vantage=self._session.vantage(), sent=0, received=0, complete=True)
        run.error(found["what"], "", source)
        finish(run, self._harvest)
        return True

    def _beheaded(self, answer: re.Match[str], number: int, line: str) -> None:
        """Begin a run whose head is missing; the answer tells the address."""
        self.close()
        address = speaker(answer["from"])
        self._run = Run(address, address, self._harvest.note(number, line), vantage=self._session.vantage())
        self._harvest.issue("truncated", f"the beginning of a ping of {address} is missing", number)

    def _answer(self, run: Run, found: re.Match[str], number: int, line: str) -> None:
        run.answer(
            decimal(found["rtt"]) if found["rtt"] else None,
            self._harvest.note(number, line),
            int(found["sequence"]),
            time=clock(found["clock"], self._harvest),
            repeated="DUP" in (found["tail"] or "").upper(),
        )

    def _error(self, run: Run, found: re.Match[str], number: int, line: str) -> None:
        groups = found.groupdict()
        sequence = groups.get("sequence")
        run.error(
            found["what"],
            speaker(groups["from"]) if groups.get("from") else "",
            self._harvest.note(number, line),
            int(sequence) if sequence else None,
            time=clock(groups.get("clock"), self._harvest),
            named_later=sequence is None,
        )

    def _timeout(self, run: Run, found: re.Match[str], number: int, line: str) -> None:
        run.miss("lost", self._harvest.note(number, line), int(found["sequence"]))

    def _statistics(self, run: Run, found: re.Match[str], *_: object) -> None:
        name = found.groupdict().get("target")
        if name and run.target == run.address:
            run.target = name

    def _counts(self, run: Run, found: re.Match[str], number: int, line: str) -> None:
        run.sent, run.received, run.complete = int(found["sent"]), int(found["received"]), True
        run.source = self._harvest.note(number, line)

    def _times(self, run: Run, found: re.Match[str], number: int, line: str) -> None:
        run.source = self._harvest.note(number, line)
        printed = {name: value for name, value in found.groupdict().items() if value and value != "nan"}
        run.printed = {name: decimal(value) for name, value in printed.items()}


def _text(line: str) -> str:
    """Return a line without blanks around it and without the echo of Ctrl-C before it; nothing of one too long."""
    if len(line) > LONGEST_LINE:
        return ""
    text = line.strip()
    return text.removeprefix("^C") or text
