"""Path tracers: one module a family; here their lines are parted into runs, whatever stands between them."""

from __future__ import annotations

from expdiag.intake.member import Member
from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest, Reader, lines
from expdiag.intake.trace import command, mtr, mtr_raw, mtr_tree, pathping, tracepath, traceroute, webpage, windows
from expdiag.intake.trace.run import Family, Place, Run

__all__ = ["READER"]

_FAMILIES: tuple[Family, ...] = (
    mtr_tree.FAMILY,
    mtr.FAMILY,
    tracepath.FAMILY,
    webpage.FAMILY,
    pathping.FAMILY,
    windows.FAMILY,
    traceroute.FAMILY,
    mtr_raw.FAMILY,
)
_KEPT = 3  # lines that may turn out to be the head of what follows


class _Session:
    """A terminal session: the run that is being read, and what the last prompt said."""

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._run: Run | None = None
        self._host = ""
        self._command: command.Command | None = None
        self._unknown: list[tuple[int, str]] = []

    def take(self, number: int, line: str, is_open: bool) -> None:
        """Take one line; `is_open` where it is the last and has no line end."""
        if self._run and self._run.collects:
            if self._run.take(number, line):
                return
            self._end_run()
        if not line.strip() or line.strip() == "^C":
            return
        if self._is_prompt(line) or self._begins(number, line):
            return
        if self._run:
            self._run.at_open_end = is_open
        if self._run and self._run.take(number, line):
            self._run.has_lines = True
            self._report_unknown()
        elif not self._is_adopted(number, line, is_open) and not any(family.noise(line) for family in _FAMILIES):
            self._unknown.append((number, line))
            self._report_unknown(keep=_KEPT)

    def _is_prompt(self, line: str) -> bool:
        shown = prompt(line)
        if shown is None:
            return False
        self._end_run()
        self._report_unknown()
        self._host, self._command = shown.host, command.parse(shown.command)
        return True

    def _begins(self, number: int, line: str) -> bool:
        place = self._place(number, line)
        run = next((run for family in _FAMILIES if (run := family.begin(place))), None)
        if run:
            self._start(run)
        return run is not None

    def _is_adopted(self, number: int, line: str, is_open: bool) -> bool:
        place = self._place(number, line)
        run = next((run for family in _FAMILIES if (run := family.adopt(place))), None)
        if run is None:
            return False
        self._start(run)
        run.at_open_end = is_open
        run.has_lines = run.take(number, line)
        return True

    def _place(self, number: int, line: str) -> Place:
        return Place(self._harvest, self._host, self._command, number, line, tuple(self._unknown))

    def _start(self, run: Run) -> None:
        self._end_run()
        self._unknown = [known for known in self._unknown if known[0] not in run.used]
        self._report_unknown()
        self._run, self._command = run, None

    def _end_run(self) -> None:
        if self._run:
            self._run.finish()
        self._run = None

    def _report_unknown(self, keep: int = 0, kind: str = "unrecognised") -> None:
        while len(self._unknown) > keep:
            number, line = self._unknown.pop(0)
            self._harvest.issue(kind, line, number)

    def end(self) -> None:
        """End the last run; a head without its rows is cut."""
        self._end_run()
        is_head = any(_is_claimed(line) for _, line in self._unknown)
        self._report_unknown(kind="truncated" if is_head else "unrecognised")


def _is_claimed(line: str) -> bool:
    return any(family.claims(line) for family in _FAMILIES)


def _claims(first: list[str]) -> int:
    return sum(1 for line in first if _is_claimed(line))


def _read(member: Member, harvest: Harvest) -> None:
    session = _Session(harvest)
    last: tuple[int, str] | None = None
    try:
        for numbered in lines(member, harvest):
            if last:
                session.take(*last, is_open=False)
            last = numbered
        if last:
            session.take(*last, is_open=_lacks_its_end(member))
    finally:
        session.end()


def _lacks_its_end(member: Member) -> bool:
    """Whether the last line has no line end; of files that are larger than their head it is not known, so it may."""
    return member.size > len(member.head) or member.head.rstrip(b"\0")[-1:] not in (b"\n", b"\r")


READER = Reader("path trace", _claims, _read)
