"""Pieces of patterns the dialects share, and what the words of an error say of the target."""

from __future__ import annotations

import re
from ipaddress import ip_address

COUNT = r"[0-9]{1,9}"
NUMBER = r"[0-9]{1,9}(?:[.,][0-9]{1,9})?"
IPV4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
# Two colons at least; a colon after it is not part of it
IPV6 = (
    r"(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{0,45}"
    r"(?:[0-9A-Fa-f]|(?<=:):)(?:%[\w.-]{1,40})?"
)
ADDRESS = rf"(?:{IPV4}|{IPV6})"
# [1795372714.214748]
STAMP = r"(?:\[(?P<clock>[0-9]{1,11}\.[0-9]{1,9})\] )?"
MILLISECONDS = r"(?:ms|msek|мс|мсек|ミリ秒|毫秒|밀리초)"
LONGEST_LINE = 2000

# 10.77.1.1     gw.lab.test (10.77.1.1)     gw.lab.test [10.77.1.1]
_SPEAKER = re.compile(rf"[(\[]?({ADDRESS})[)\]]?:?$")

# English, then German and French as their ping prints them, then Windows in its larger languages
_STATES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("prohibited", re.compile(r"prohibited|filtered|verboten|gefiltert|interdit|filtré", re.I)),
    (
        "refused",
        re.compile(
            r"\b(?:port|protocol)\b.*\bunreachable|ziel(?:port|protokoll) nicht|(?:port|protocole) de dest", re.I
        ),
    ),
    (
        "unreachable",
        re.compile(
            r"unreachable|no route|host is down|\b(?:net|network|host) unknown|"
            r"nicht erreichbar|unbekannt$|keine route|injoignable|impossible de joindre|inaccesible|"
            r"non raggiungibile|inacessível|onbereikbaar|недоступ|到達できません|无法访问",
            re.I,
        ),
    ),
)


def canonical(address: str) -> str:
    """Return an address in the one way to write it; what is none as it is."""
    try:
        return str(ip_address(address)) if ":" in address else address
    except ValueError:
        return address


def decimal(text: str) -> float:
    """Return a number, whichever mark its language parts the decimals with."""
    return float(text.replace(",", "."))


def speaker(text: str) -> str:
    """Return the address of whoever sent an error, as it is printed at the end of a text; else the text."""
    found = _SPEAKER.search(text)
    return found[1] if found else text.rstrip(":").strip()


def state_of(what: str, *, by_target: bool) -> str:
    """Return what an error says of the target, as `reachability` names it; empty where it says nothing of it.

    A TTL that ran out and a packet too large are about the way, not about the target.
    """
    for state, words in _STATES:
        if words.search(what):
            return "prohibited" if state == "refused" and not by_target else state
    return ""
