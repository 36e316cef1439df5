"""Firewall rules of a Linux machine: `iptables-save`, `iptables -S`, `iptables -L`, `nft list ruleset`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from expdiag.intake.firewall.listing import Listing
from expdiag.intake.firewall.nft import Ruleset
from expdiag.intake.firewall.save import Save
from expdiag.intake.member import Member
from expdiag.intake.prompts import Prompt, prompt
from expdiag.intake.reading import Harvest, Reader, lines

_Format: TypeAlias = Save | Listing | Ruleset

# # Warning: iptables-legacy tables present, use iptables-legacy-save to see them
# # Table `filter' is incompatible, use 'nft' tool.
_NOT_ALL = re.compile(r"# (?:Warning: ip6?tables-legacy tables present|Table \S+ is incompatible)")
_COMMAND = re.compile(r"\bip(6?)tables")
_TABLE_OPTION = re.compile(r"\s(?:-t|--table)[ =]?(\w+)")


_NOTHING_RAN = Prompt("", "")


def _claims(first: list[str]) -> int:
    plain = [line.strip() for line in first]
    return sum(1 for line in plain if Save.starts(line) or Listing.claims(line) or Ruleset.claims(line))


def _read(member: Member, harvest: Harvest) -> None:
    session = _Session(harvest)
    try:
        for number, line in lines(member, harvest):
            if line.strip():
                session.take(number, line)
    finally:  # also where the bytes break off: what stood before counts
        session.finish(at_end=True)


@dataclass
class _Session:
    """What was printed so far: the command that ran, and who reads what it printed."""

    harvest: Harvest
    ran: Prompt = _NOTHING_RAN
    current: _Format | None = None

    def take(self, number: int, line: str) -> None:
        """Take a line that is not blank."""
        plain = line.strip()
        if ran := prompt(line):
            self.finish()
            self.current, self.ran = None, ran
        elif _NOT_ALL.match(plain):
            self.harvest.issue("incomplete", f"{plain}: there are rules that this print does not show", number)
        else:
            self._turn_to(plain)
            words = line if isinstance(self.current, Listing) else plain
            if self.current is None or not self.current.take(number, words):
                self.harvest.issue("unrecognised", line, number)

    def finish(self, at_end: bool = False) -> None:
        """Hand out what was read; `at_end` where the file ends here."""
        if self.current:
            self.current.finish(at_end)

    def _turn_to(self, plain: str) -> None:
        """Change who reads where a line is the first of another format."""
        if isinstance(self.current, Ruleset) and self.current.is_open:
            return
        for kind in (Save, Listing, Ruleset):
            if not isinstance(self.current, kind) and kind.starts(plain):
                self.finish()
                self.current = self._opened(kind)
                return

    def _opened(self, kind: type[_Format]) -> _Format:
        device = self.harvest.vantage or self.ran.host
        if kind is Ruleset:
            return Ruleset(self.harvest, device)
        return kind(self.harvest, device, *_told(self.ran.command))


def _told(command: str) -> tuple[str, str]:
    """Return the family and table a command of iptables asks for, empty where it is not known."""
    name = _COMMAND.search(command)
    if not name:
        return "", ""
    table = _TABLE_OPTION.search(command)
    return "ipv6" if name[1] else "ipv4", table[1] if table else "filter"


READER = Reader("firewall rules", _claims, _read)
