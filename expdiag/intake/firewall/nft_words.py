"""The words of a rule of nft, and the elements of the sets it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from expdiag.intake.firewall import values

Sets: TypeAlias = dict[str, list[str]]

_WORD = re.compile(r'"[^"]*"(?:-"[^"]*")?|[{}(),;]|[^\s{}(),;"]+(?:,[^\s{}(),;"]+)*')
_MOST_SHOWN = 50
_OPEN, _CLOSE = "{(", "})"


@dataclass
class Cursor:
    """The words of a rule and the place that is read; groups in braces are one word."""

    words: list[str]
    at: int = 0

    def peek(self, ahead: int = 0) -> str:
        """Return a word without taking it, empty behind the end."""
        place = self.at + ahead
        return self.words[place] if place < len(self.words) else ""

    def take(self) -> str:
        """Return the next word and pass over it."""
        self.at += 1
        return self.words[self.at - 1]

    def since(self, start: int) -> str:
        """Return the words from a place up to here."""
        return " ".join(self.words[start : self.at])


def elements(text: str) -> list[str]:
    """Return the elements of a set or map, each as it stands."""
    words = words_of(text) or []
    found: list[list[str]] = [[]]
    for word in words:
        if word == ",":
            found.append([])
        else:
            # states and flags stand together: established,related
            first, *more = [word] if word[:1] in '"{(' else word.split(",")
            found[-1].append(first)
            found += [[part] for part in more]
    return [" ".join(element) for element in found if element]


def words_of(text: str) -> list[str] | None:
    """Return the words of a rule, what stands in braces as one; None where something does not close."""
    words: list[str] = []
    group: list[str] = []
    depth = at = 0
    for found in _WORD.finditer(text):
        if text[at : found.start()].strip():
            return None
        at = found.end()
        word = found[0]
        depth += (word in _OPEN) - (word in _CLOSE)
        if depth < 0:
            return None
        if depth or word in _CLOSE:
            group.append(word)
        else:
            words.append(word)
        if group and not depth:
            words.append(_joined(group))
            group = []
    return words if not depth and not text[at:].strip() else None


def _joined(group: list[str]) -> str:
    return " ".join(group).replace(" ,", ",").replace("( ", "(").replace(" )", ")")


def members_of(operand: str, sets: Sets) -> list[str] | None:
    """Return the values an operand stands for; None for a set without elements, or not known."""
    if operand.startswith("@"):
        members = sets.get(operand[1:], [])
        if not 0 < len(members) <= values.MAX_ELEMENTS:
            return None
        several = any(" . " in member or " : " in member for member in members)
        return None if several else [member.split(" ")[0] for member in members]
    if operand.startswith("{"):
        found = elements(operand[1:-1])
        return found if len(found) <= values.MAX_ELEMENTS else None
    return [operand] if operand.startswith('"') else operand.split(",")


def with_elements(printed: str, operand: str, sets: Sets) -> str:
    """Return a condition with the elements of the set it names, unless they are many."""
    members = sets.get(operand[1:]) if operand.startswith("@") else None
    return f"{printed} {{ {', '.join(members)} }}" if members and len(members) <= _MOST_SHOWN else printed
