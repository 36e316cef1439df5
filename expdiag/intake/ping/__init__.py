"""Output of every ping: one module a program, over the runs of `run`.

A file may hold several runs of several programs. The program a line belongs to is the one that is being followed, else
the first that knows the line as a beginning of its own.
"""

from __future__ import annotations

from expdiag.intake.member import Member
from expdiag.intake.ping.cisco import Cisco
from expdiag.intake.ping.fping import Fping
from expdiag.intake.ping.hping import Hping
from expdiag.intake.ping.nping import Nping
from expdiag.intake.ping.page import Page
from expdiag.intake.ping.run import Dialect, Session
from expdiag.intake.ping.unix import Unix
from expdiag.intake.ping.windows import Windows
from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest, Reader, lines

_PROGRAMS: tuple[type[Dialect], ...] = (Unix, Windows, Cisco, Fping, Hping, Nping, Page)
_BARE_PROMPTS = ("$", "#", "%")


def _claims(first: list[str]) -> int:
    return sum(1 for line in first if any(program.claims(line) for program in _PROGRAMS))


def _read(member: Member, harvest: Harvest) -> None:
    session = Session(harvest)
    dialects = [program(session) for program in _PROGRAMS]
    current: Dialect | None = None
    try:
        for number, line in lines(member, harvest):
            if not line.strip() or (current and current.take(number, line)):
                continue
            prompted = _prompted(line, number, session)
            taker = None if prompted else next((d for d in dialects if d is not current and d.take(number, line)), None)
            if taker is None and not prompted:
                harvest.issue("unrecognised", line, number)
                continue
            if current:
                current.close()
            current = taker
    finally:  # a broken archive must not cost the run it breaks in
        if current:
            current.close()


def _prompted(line: str, number: int, session: Session) -> bool:
    """Take note of a prompt. A bare `$` or `#` may as well begin a remark, so it is reported all the same."""
    shown = prompt(line.strip())
    if shown is None:
        return False
    session.host, session.command = shown.host, shown.command
    if not shown.host and line.lstrip().startswith(_BARE_PROMPTS):
        session.harvest.issue("unrecognised", line, number)
    return True


READER = Reader("ping", _claims, _read)
