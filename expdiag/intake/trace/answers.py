"""The tail of a hop's row: who answered, each probe's time, `*` for a lost one, and what is said besides.

Linux, BSD, busybox, NX-OS, IOS and the web page of the Expressway all print it from the same few words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
# r1.lab.test (10.77.1.1) [AS65001] <MPLS:L=24,E=0,S=1,T=1> '-4'  45.753 ms !X * 4.418 ms F=1500   |  48 msec * 44 msec
_WORD = re.compile(
    rf"""
    (?P<lost>\*)
    | (?P<rtt>{_NUMBER})\ ?(?:msec|ms)(?![^\s*])
    | (?P<mark>!(?:F-[0-9]{{1,5}}|<[0-9]{{1,3}}>|[0-9]{{1,3}}|[A-Z])?(?![^\s*])|\?(?!\S))
    | (?P<mtu>F=[0-9]{{1,6}})(?!\S)
    | (?P<note>'-[0-9]{{1,3}}'|<[A-Za-z][^<>]{{0,300}}>|\[[^\[\]]{{1,300}}\])
    | \((?P<inner>[^()]{{1,300}})\)
    | (?P<word>[^\s()\[\]<>*!']{{1,255}})
    """,
    re.X | re.A,
)


class Seen(NamedTuple):
    """One probe as its row shows it; the fields are those of a hop."""

    outcome: str
    address: str
    name: str
    rtt: float | None
    detail: str


LOST = Seen("lost", "", "", None, "")


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """Return an address in the one way to write it, empty where the text is none."""
    try:
        return str(ip_address(text)) if len(text) <= 64 else ""
    except ValueError:
        return ""


# expc03.lab.test (10.77.3.10)        e3.example.com [10.0.3.13]
_NAMED = re.compile(r"(?P<name>[^()\[\]]*?)\s*[(\[](?P<address>[^()\[\]]*)[)\]]")


def host(text: str) -> tuple[str, str]:
    """Return address and name of `name (address)`, `name [address]`, `address` or `name`; one may be empty."""
    plain = text.strip()
    named = _NAMED.fullmatch(plain)
    if named and canonical(named["address"]):
        name = named["name"].strip()
        return canonical(named["address"]), "" if canonical(name) or name == "???" else name
    return (canonical(plain), "") if canonical(plain) else ("", "" if plain == "???" else plain)


@dataclass
class _Row:
    """A row as far as it was read: who answers now, and whether a probe of his was met yet."""

    seen: list[Seen] = field(default_factory=list)
    address: str = ""
    name: str = ""
    notes: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)  # stands before the host it is about, as BSD prints [AS1]
    fresh: bool = False
    timed: bool = False  # the word before was a time, so a mark is about it

    def take(self, word: re.Match[str]) -> bool:
        """Take one word; return whether it fits here."""
        kind = word.lastgroup or ""
        text = word[kind]
        timed, self.timed = self.timed, kind in ("rtt", "mark", "mtu")
        if kind == "word":
            return self._begin_host(text)
        if kind == "inner":
            return self._say(f"({text})") if not canonical(text) else self._give_address(text)
        if kind == "note":
            return self._say(text)
        if kind == "lost":
            self.seen.append(LOST)
        elif kind == "rtt":
            return self._answer("answered", float(text), "")
        elif timed:
            self._mark_last(text)
        else:
            return kind == "mark" and self._answer("error", None, text)
        return True

    def _begin_host(self, text: str) -> bool:
        address = canonical(text)
        if self.fresh or not (address or any(letter.isalpha() for letter in text)):
            return False
        self.address, self.name = address, "" if address else text
        self.notes, self.held, self.fresh = self.held, [], True
        return True

    def _give_address(self, text: str) -> bool:
        if self.fresh:
            self.address = canonical(text)
        return self.fresh

    def _say(self, note: str) -> bool:
        (self.notes if self.fresh else self.held).append(note)
        return True

    def _answer(self, outcome: str, rtt: float | None, mark: str) -> bool:
        if not (self.address or self.name):
            return False
        self.fresh = False
        detail = " ".join([*self.notes, *([mark] if mark else [])])
        self.seen.append(Seen(outcome, self.address, self.name, rtt, detail))
        return True

    def _mark_last(self, text: str) -> None:
        """A lone `!` says that the answer came with a TTL of 1, `F=` what it sent: no errors."""
        last = self.seen[-1]
        is_error = text != "!" and not text.startswith("F=")
        self.seen[-1] = last._replace(
            outcome="error" if is_error else last.outcome, detail=f"{last.detail} {text}".strip()
        )


def split(tail: str) -> tuple[list[Seen], str]:
    """Return the probes of a row, and what of it could not be read: empty where all was.

    A host without a probe of its own is among what could not be read: the row is cut, or no row.
    """
    row, at, host_at = _Row(), 0, 0
    while at < len(tail):
        if tail[at].isspace():
            at += 1
            continue
        word = _WORD.match(tail, at)
        was_fresh = row.fresh
        if word is None or not row.take(word):
            return row.seen, tail[host_at if was_fresh else at :].strip()
        if row.fresh and not was_fresh:
            host_at = at
        at = word.end()
    if row.held and row.seen:
        row.seen[-1] = row.seen[-1]._replace(detail=" ".join([row.seen[-1].detail, *row.held]).strip())
    return row.seen, tail[host_at:].strip() if row.fresh else ""
