"""xConfiguration text: one leaf a line, `*c xConfiguration <path>: <value>`.

Prefix and quotes are optional and keywords any case (Administrator Guide X15.0, Reference Material,
"Command Reference - xConfiguration"; older dumps lack the word after `*c`).
"""

from __future__ import annotations

import re

from expdiag import knowledge
from expdiag.intake import trees
from expdiag.intake.archive import Member
from expdiag.intake.reading import Harvest, Reader, lines
from expdiag.intake.secrets import mask
from expdiag.tables import Setting

# *c xConfiguration Zones Zone 6 DNS SIP TLS Verify Mode: "On"
_LEAF = re.compile(
    r"^\s*(?P<prefix>(?:\*c\s+)?(?:xConfiguration\s+)?)(?P<path>\w[\w -]*?)\s*:(?:\s(?P<value>.*))?$", re.I
)
_STRUCTURE = re.compile(r"^\s*(?:OK|\*c/end|xConfiguration\s*/{0,2})\s*$", re.I)
_ONLY_PATH_OF_ONE_WORD = "ipprotocol"
_SPACES = re.compile(r"\s+")


def _claims(first: list[str]) -> int:
    return sum(1 for line in first if (leaf := _LEAF.match(line)) and _is_ours(leaf))


def _is_ours(leaf: re.Match[str]) -> bool:
    """A bare `path: value` is only taken where the path begins as an Expressway's do; a prompt may look alike."""
    if leaf["prefix"].strip():
        return True
    first, _, rest = leaf["path"].lower().partition(" ")
    return first in knowledge.configuration_words() if rest else first == _ONLY_PATH_OF_ONE_WORD


def unquoted(value: str) -> str:
    """Return a value without the one pair of quotes around it; a list of quoted words keeps its quotes."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"' and '" "' not in value:
        return value[1:-1]
    return value


def _read(member: Member, harvest: Harvest) -> None:
    last_understood = True
    for number, line in lines(member, harvest):
        if line.strip():
            last_understood = take(line, number, harvest)
            if not last_understood:
                harvest.issue("unrecognised", line, number)
    harvest.complete = harvest.complete and last_understood


def take(line: str, number: int, harvest: Harvest) -> bool:
    """Take a line if it belongs to a configuration; return whether it does.

    A line whose opening quote is never closed was cut off there, and its value is not known.
    """
    leaf = _LEAF.match(line)
    if not leaf or not _is_ours(leaf):
        return bool(_STRUCTURE.match(line))
    path = _SPACES.sub(" ", leaf["path"])
    raw = (leaf["value"] or "").strip()
    if raw.startswith('"') and (raw == '"' or not raw.endswith('"')):
        harvest.issue("truncated", f"{path}: the value is cut off", number)
        return True
    harvest.add(
        Setting("configuration", path, mask(path, unquoted(raw)), harvest.note(number, trees.shown(line, path, raw)))
    )
    return True


READER = Reader("xConfiguration text", _claims, _read)
