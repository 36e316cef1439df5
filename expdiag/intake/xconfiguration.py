"""xConfiguration text: one leaf a line, `*c xConfiguration <path>: <value>`.

Prefix and quotes are optional and keywords any case (Administrator Guide X15.0, Reference Material,
"Command Reference - xConfiguration"; older dumps lack the word after `*c`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from expdiag import knowledge
from expdiag.intake import plain, trees
from expdiag.intake.member import Member
from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest, Keys, Reader, texts
from expdiag.intake.secrets import mask
from expdiag.tables import Block, Setting

# *c xConfiguration Zones Zone 6 DNS SIP TLS Verify Mode: "On"
_PATH = re.compile(r"(?P<prefix>(?:\*c\s+)?(?:xConfiguration\s+)?)(?P<path>\w[\w -]*)", re.I)
_STRUCTURE = re.compile(r"^\s*(?:OK|\*c/end|xConfiguration\s*/{0,2})\s*$", re.I)
_ONLY_PATH_OF_ONE_WORD = "ipprotocol"
# two settings that a document put on one line
_RUN_TOGETHER = re.compile(r" (?=\*c xConfiguration )")
_SPACES = re.compile(r"\s+")


def _claims(first: list[str]) -> int:
    return sum(1 for line in first if _leaf(line))


def _leaf(line: str) -> tuple[str, str] | None:
    """Return path and value of a leaf, None for any other line.

    No word of a path holds a colon, so the first one parts it from the value. A bare `path: value` is only taken where
    the path begins as an Expressway's do; a prompt may look alike.
    """
    before, colon, value = line.partition(":")
    found = _PATH.fullmatch(before.strip()) if colon else None
    if not found:
        return None
    path = _SPACES.sub(" ", found["path"])
    if not found["prefix"]:
        first, _, rest = path.lower().partition(" ")
        if (first not in knowledge.configuration_words()) if rest else (first != _ONLY_PATH_OF_ONE_WORD):
            return None
    return path, value.strip()


def unquoted(value: str) -> str:
    """Return a value without the one pair of quotes around it; a list of quoted words keeps its quotes."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"' and '" "' not in value:
        return value[1:-1]
    return value


def _read(member: Member, harvest: Harvest) -> None:
    keys = Keys(harvest)
    last_understood = True
    for first, text in texts(member, harvest):
        whole, end = _without_open_end(text) if harvest.open_end else (text, None)
        for part in plain.split(whole, first, "configuration", _form, harvest.sources) if whole else ():
            if isinstance(part, Block):
                keys.end()
                harvest.add_block(part)
                last_understood = True
            else:
                last_understood = _take_line(*part, keys, harvest)
        if end:
            last_understood = _take_line(first + text.count("\n"), end, keys, harvest, may_be_cut=True)
    harvest.complete = harvest.complete and last_understood


def _without_open_end(text: str) -> tuple[str, str]:
    """Return a text without its last line, which lacks its line end, and that line."""
    whole, _, end = text.rpartition("\n")
    return whole, end


def _take_line(number: int, line: str, keys: Keys, harvest: Harvest, *, may_be_cut: bool = False) -> bool:
    """Take a line, or the settings that were put on one; return whether all of it was understood."""
    understood = True
    for words in filter(str.strip, keys.beside(number, line)):
        for setting in _RUN_TOGETHER.split(words):
            understood = take(setting, number, harvest, may_be_cut=may_be_cut)
            if not understood:
                harvest.issue("unrecognised", setting, number)
    return understood


@lru_cache(maxsize=1 << 12)
def _form(beginning: str) -> plain.Form | None:
    """Return how lines with this beginning are taken, None where each of them has to be looked at."""
    leaf = _leaf(beginning)
    head, colon, rest = beginning.partition(":")
    if not leaf or not head.endswith(leaf[0]):
        return None
    return plain.Form(head.removesuffix(leaf[0]), leaf[0], colon + rest)


def take(line: str, number: int, harvest: Harvest, *, may_be_cut: bool = False) -> bool:
    """Take a line if it belongs to a configuration; return whether it does.

    A line whose opening quote is never closed was cut off there, and its value is not known; nor is one without quotes
    on a last line that may be cut.
    """
    leaf = _leaf(line)
    if not leaf:
        return bool(_STRUCTURE.match(line)) or prompt(line) is not None
    path, raw = leaf
    is_quoted = raw.startswith('"')
    if (is_quoted and (raw == '"' or not raw.endswith('"'))) or (may_be_cut and not is_quoted):
        harvest.issue("truncated", f"{path}: the value is cut off", number)
        return True
    harvest.add(
        Setting("configuration", path, mask(path, unquoted(raw)), harvest.note(number, trees.shown(line, path, raw)))
    )
    return True


READER = Reader("xConfiguration text", _claims, _read)
