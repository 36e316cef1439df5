"""Windows tracert in any language: three fields of `12 ms`, `<1 ms` or `*`, then who answered.

Words are not looked at. The head is what stands before the first row: an address, and the number of hops.
"""

from __future__ import annotations

import re

from expdiag.intake.trace import answers
from expdiag.intake.trace.answers import LOST, Seen
from expdiag.intake.trace.run import Family, Place, Run, Unresolved

# Tracing route to expc03.lab.test [10.77.3.10]
_BRACKETED = re.compile(r"(?P<target>[^\s\[\]]{1,255}) \[(?P<address>[^\s\[\]]{1,64})\]", re.A)
_NUMBER = re.compile(r"(?<![\w.:\[%])[0-9]{1,3}(?![\w\]]|[.:]\w)", re.A)
# "  1    <1 ms    24 ms     *     r1.lab.test [10.77.1.1] "
_FIELD = r"<?[0-9]{1,6} [^\s\d\[\]<>*()]{1,5}|\*"
_ROW = re.compile(
    rf"\s{{0,4}}(?P<ttl>[0-9]{{1,3}})(?P<fields>(?:\s+(?:{_FIELD})(?!\S)){{0,3}})(?:\s+(?P<tail>\S.*))?\s*", re.A
)
_ONE_FIELD = re.compile(_FIELD, re.A)
# 10.77.100.2  reports: Destination host unreachable.
_REPORT = re.compile(r"(?P<host>\S{1,255}(?: \[[^\s\[\]]{1,64}\])?)\s+(?P<words>\S.*)", re.A)
_NO_NAME = re.compile(
    r"(?:Unable to resolve target system name (?P<english>\S{1,255}?)"
    r"|Der Zielname (?P<german>\S{1,255}) konnte nicht .*"
    r"|Impossible de résoudre le nom (?:du système )?cible (?P<french>\S{1,255}?))\.?\s*"
)
# What tells a head from other text; only for telling formats apart, since a localised head has its rows
_ENGLISH = re.compile(
    r"Tracing route to \S{1,255}(?: \[\S{1,64}\])?.*|Trace complete\.|over a maximum of \d{1,3} hops:?", re.A
)


class Head:
    """What the lines before the first row say: target, address, most hops, and which lines they are."""

    def __init__(self, before: tuple[tuple[int, str], ...]) -> None:
        self.target = self.address = ""
        self.max_hops: int | None = None
        self.used: frozenset[int] = frozenset()
        near = before[-2:][::-1]
        for number, line in near:
            rest = self._take_target(line)
            if self.address:
                self.used = frozenset({number})
                self._take_hops(rest, number)
                for other, words in near:
                    if other != number:
                        self._take_hops(words, other)
                return

    def _take_target(self, line: str) -> str:
        """Find the target in a line and return the rest of it."""
        found = _BRACKETED.search(line)
        if found and answers.canonical(found["address"]):
            self.target, self.address = found["target"], found["address"]
            return line[: found.start()] + line[found.end() :]
        for word in line.split():
            if answers.canonical(word.rstrip(":,")):
                self.target = self.address = word.rstrip(":,")
                return line.replace(word, "", 1)
        return line

    def _take_hops(self, rest: str, number: int) -> None:
        if self.max_hops is None and (hops := _NUMBER.search(rest)):
            self.max_hops = int(hops[0])
            self.used |= {number}


class Tracert(Run):
    """A run of tracert. It sends ICMP echoes."""

    tool = "tracert"

    def __init__(self, place: Place) -> None:
        head = Head(place.before)
        given = place.command.target if place.command else ""
        super().__init__(place, target=given or head.target, address=head.address)
        self.method, self.used, self.may_be_short = "icmp", head.used, True
        self.max_hops = head.max_hops or self.max_hops
        self._said_end = False

    def take(self, number: int, line: str) -> bool:
        """Take a row, or the line that says the trace is complete: words without a digit."""
        row = _row(line)
        if row is None:
            is_end = self.last_ttl is not None and not self._said_end and not any(c.isdigit() for c in line)
            self._said_end = self._said_end or is_end
            self.ended = self.ended or is_end
            return is_end
        if self._said_end or (self.last_ttl is not None and int(row["ttl"]) <= self.last_ttl):
            return False
        probes = _probes(row)
        self.report_unread("unrecognised")
        if self.at_open_end and probes and not self._ends_whole(probes[-1]):
            probes = []
        if probes:
            self.see(int(row["ttl"]), probes, number, line)
            self._prove_unreachable(probes)
        else:
            self.leave(number, line)
        return True

    def _ends_whole(self, last: Seen) -> bool:
        """Whether the last line of the file may be taken without a line end: its address is the target's."""
        return last.outcome == "lost" or (last.outcome == "answered" and self.is_target(last.address, last.name))

    def _prove_unreachable(self, probes: list[Seen]) -> None:
        """Windows has one word for most refusals, so no more is known than that the target was not reached."""
        if probes[-1].outcome == "error":
            source = self.harvest.rows["hops"][-1].source
            self.prove("unreachable", probes[-1], probes[-1].detail, source)


def _row(line: str) -> re.Match[str] | None:
    row = _ROW.fullmatch(line)
    is_row = row is not None and 1 <= int(row["ttl"]) <= 255 and (row["fields"] or row["tail"])
    return row if is_row else None


def _probes(row: re.Match[str]) -> list[Seen]:
    """Return the probes of a row, none where it is cut or no row."""
    fields = _ONE_FIELD.findall(row["fields"])
    tail = (row["tail"] or "").strip()
    if len(fields) < 3:
        return _report(fields, tail)
    if not tail:
        return []
    if all(field == "*" for field in fields):
        return [LOST] * 3
    address, name = answers.host(tail)
    is_whole = bool(address) and tail in (address, f"{name} [{address}]")
    return [_probe(field, address, name) for field in fields] if is_whole else []


def _report(fields: list[str], tail: str) -> list[Seen]:
    """Return the probes of a row that ends in a refusal: those before it, then the one that was refused."""
    report = _REPORT.fullmatch(tail)
    address, name = answers.host(report["host"]) if report else ("", "")
    words = report["words"].strip() if report else ""
    if not address or not any(letter.isalpha() for letter in words) or any(c.isdigit() or c in "*[" for c in words):
        return []
    refused = Seen("error", address, name, None, words)
    return [*(_probe(field, address, name) for field in fields), refused]


def _probe(field: str, address: str, name: str) -> Seen:
    """Return one probe; `<1 ms` is an upper bound and no round trip."""
    if field == "*":
        return LOST
    if field.startswith("<"):
        return Seen("answered", address, name, None, f"<{field[1:].split(maxsplit=1)[0]} ms")
    return Seen("answered", address, name, float(field.split(maxsplit=1)[0]), "")


def claims(line: str) -> bool:
    """Whether a line is an English head or end, or a row with three fields, apart as tracert prints them."""
    if _ENGLISH.fullmatch(line.strip()) or _NO_NAME.fullmatch(line.strip()):
        return True
    row = _row(line)
    probes = _probes(row) if row and not re.search(r"\* \*|\* \S", line) else []
    return bool(probes) and (probes[-1].outcome != "error" or ":" in probes[-1].detail)


def begin(place: Place) -> Run | None:
    """Start at a name that did not resolve."""
    no_name = _NO_NAME.fullmatch(place.line.strip())
    if no_name is None:
        return None
    run = Unresolved(place, target=no_name["english"] or no_name["german"] or no_name["french"])
    run.tool = place.command.tool if place.command else "tracert"
    return run


def adopt(place: Place) -> Run | None:
    """Start at the first row."""
    row = _row(place.line)
    return Tracert(place) if row and claims(place.line) else None


FAMILY = Family(claims, begin, adopt)
