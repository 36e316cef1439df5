"""Firewall rules of a Linux machine: `iptables-save`, `iptables -S`, `iptables -L`, `nft list ruleset`."""

from __future__ import annotations

import re
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
_TABLE_OPTION = re.compile(r"\s(?:-t|--table)[ =]?(\w+)")


def _claims(first: list[str]) -> int:
    plain = [line.strip() for line in first]
    return sum(1 for line in plain if Save.starts(line) or Listing.claims(line) or Ruleset.claims(line))


def _read(member: Member, harvest: Harvest) -> None:
    current: _Format | None = None
    ran = Prompt("", "")
    for number, line in lines(member, harvest):
        if not line.strip():
            continue
        if new := prompt(line):
            _finish(current)
            current, ran = None, new
            continue
        if _NOT_ALL.match(line.strip()):
            text = f"{line.strip()}: there are rules that this print does not show"
            harvest.issue("incomplete", text, number)
            continue
        current = _format_of(line, current, ran, harvest)
        if current is None or not current.take(number, line if isinstance(current, Listing) else line.strip()):
            harvest.issue("unrecognised", line, number)
    if current:
        current.finish(at_end=True)


def _finish(current: _Format | None) -> None:
    if current:
        current.finish()


def _format_of(line: str, current: _Format | None, ran: Prompt, harvest: Harvest) -> _Format | None:
    """Return who reads a line: whoever reads now, but for the first line of another format."""
    if isinstance(current, Ruleset) and current.is_open:
        return current
    for kind in (Save, Listing, Ruleset):
        if isinstance(current, kind) or not kind.starts(line.strip()):
            continue
        _finish(current)
        return _opened(kind, ran, harvest)
    return current


def _opened(kind: type[_Format], ran: Prompt, harvest: Harvest) -> _Format:
    device = harvest.vantage or ran.host
    if kind is Ruleset:
        return Ruleset(harvest, device)
    family, table = _told(ran.command)
    return kind(harvest, device, family, table)


def _told(command: str) -> tuple[str, str]:
    """Return the family and table a command of iptables asks for, empty where it is not known."""
    words = command.partition("tables")
    name = words[0].rsplit(" ", 1)[-1]
    if not words[1] or name not in ("ip", "ip6"):
        return "", ""
    table = _TABLE_OPTION.search(command)
    return {"ip": "ipv4", "ip6": "ipv6"}[name], table[1] if table else "filter"


READER = Reader("firewall rules", _claims, _read)
