"""xConfiguration text: one leaf a line, `*c xConfiguration <path>: <value>`.

Prefix and quotes are optional and keywords any case (Administrator Guide X15.0, Reference Material,
"Command Reference - xConfiguration"; older dumps lack the word after `*c`).
"""

from __future__ import annotations

import re

from expdiag import knowledge
from expdiag.intake.archive import Member
from expdiag.intake.reading import Harvest, Reader, lines
from expdiag.intake.secrets import MASK, mask
from expdiag.tables import Setting

# *c xConfiguration Zones Zone 6 DNS SIP TLS Verify Mode: "On"
_LEAF = re.compile(
    r"^\s*(?P<prefix>(?:\*c\s+)?(?:xConfiguration\s+)?)(?P<path>\w[\w -]*?)\s*:(?:\s(?P<value>.*))?$", re.I
)
_STRUCTURE = re.compile(r"^\s*(?:OK|\*c/end|xConfiguration\s*/{0,2})\s*$", re.I)
_SPACES = re.compile(r"\s+")


def _claims(first: list[str]) -> int:
    return sum(1 for line in first if (leaf := _LEAF.match(line)) and _is_ours(leaf))


def _is_ours(leaf: re.Match[str]) -> bool:
    """A bare `path: value` is only taken where the path begins as an Expressway's do."""
    return bool(leaf["prefix"].strip()) or leaf["path"].split(" ", 1)[0].lower() in _top_words()


def _top_words() -> frozenset[str]:
    return knowledge.configuration_words()


def unquoted(value: str) -> str:
    """Return a value without the one pair of quotes around it; a list of quoted words keeps its quotes."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"' and '" "' not in value:
        return value[1:-1]
    return value


def _read(member: Member, harvest: Harvest) -> None:
    for number, line in lines(member, harvest):
        leaf = _LEAF.match(line)
        if leaf and _is_ours(leaf):
            path = _SPACES.sub(" ", leaf["path"])
            raw = unquoted(leaf["value"] or "")
            value = mask(path, raw)
            shown = line.replace(raw, value) if value != raw else line
            harvest.add(Setting("configuration", path, value, harvest.note(number, shown)))
        elif line.strip() and not _STRUCTURE.match(line):
            harvest.issue("unrecognised", line, number)


READER = Reader("xConfiguration text", _claims, _read)
__all__ = ["MASK", "READER", "unquoted"]
