"""What `/sbin/verify-syskey` printed in a terminal: nothing, where the system key is sound.

Silence only tells where the prompt that follows shows that the command had ended.
"""

from __future__ import annotations

import re

from expdiag.intake.member import Member
from expdiag.intake.prompts import Prompt, prompt
from expdiag.intake.reading import Harvest, Reader, lines
from expdiag.intake.secrets import scrub
from expdiag.tables import SystemKey

# [root@e1 ~]# /sbin/verify-syskey
_COMMAND = re.compile(r"(?:sudo )?(?:/\S*/)?verify-syskey\s*$")


def _is_check(line: str) -> bool:
    shown = _prompt(line)
    return bool(shown and _COMMAND.fullmatch(shown.command))


def _prompt(line: str) -> Prompt | None:
    """Return the prompt of a line; one that stands alone may have lost its last blank."""
    return prompt(f"{line.strip()} ") if line.strip() else None


def _claims(first: list[str]) -> int:
    return sum(1 for line in first if _is_check(line))


def _read(member: Member, harvest: Harvest) -> None:
    vantage, printed, source = "", list[str](), None
    for number, line in lines(member, harvest):
        shown = _prompt(line)
        if shown is not None:
            if source is not None:
                harvest.add(SystemKey(vantage, " ".join(printed), True, source))
            source, printed = None, []
            if _is_check(line):
                vantage, source = harvest.vantage or shown.host, harvest.note(number, line)
        elif line.strip() and source is not None:
            printed.append(scrub(line.strip()))
        elif line.strip():
            harvest.issue("unrecognised", line, number)
    if source is not None:
        harvest.add(SystemKey(vantage, " ".join(printed), False, source))


READER = Reader("verify-syskey", _claims, _read)
