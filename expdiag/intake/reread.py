"""What a report reads again from disk: the lines around evidence, and the hash of every file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from expdiag.evidence import SourceBook
from expdiag.intake.archive import OnDisk, members, on_disk
from expdiag.intake.member import CutShortError, Member
from expdiag.intake.reading import Harvest, lines
from expdiag.intake.secrets import MASK, bare_secrets, names_a_secret, scrub

AROUND = 2
_LONGEST = 240

# *c xConfiguration SNMP CommunityName: "x"        "releaseKey": "x",
_SETTING = re.compile(r"^(\W*(?:c )?[\w ./-]{1,200}?\"?\s*[:=])\s*\S.*$")
# <Password item="1">x        <Password item="1">x</Password>
_ELEMENT = re.compile(r"<(/?)([\w.-]{1,100})(?:\s[^<>]{0,500})?(/?)>")


class Hashed(NamedTuple):
    """A file on disk; its SHA-256 is None where it cannot be read any more."""

    name: str
    bytes: int
    sha256: str | None


def hashes(paths: Iterable[Path]) -> tuple[Hashed, ...]:
    """Return every file under the paths of a case, archives as they are."""
    return tuple(
        Hashed(file.name, file.bytes, _digest(file.path)) for file in on_disk([*paths]) if isinstance(file, OnDisk)
    )


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def around(paths: Iterable[Path], wanted: Mapping[str, Collection[int]]) -> dict[str, dict[int, str]]:
    """Return the lines near others, by file and number, without secrets and private keys.

    Args:
        paths: the paths of the case; what is no longer there is left out.
        wanted: the numbers of the lines by file, members of archives included.
    """
    found: dict[str, dict[int, str]] = {}
    for file in on_disk([*paths]):
        if not isinstance(file, OnDisk):
            continue
        left = {name for name in wanted if name == file.name or name.startswith(f"{file.name}!")}
        if left:
            found |= _of_file(file, left, wanted)
    return found


def _of_file(file: OnDisk, left: set[str], wanted: Mapping[str, Collection[int]]) -> dict[str, dict[int, str]]:
    found = {}
    for member in members(file):
        if isinstance(member, Member) and member.name in left:
            found[member.name] = _near(member, wanted[member.name])
            left.remove(member.name)
            if not left:
                break
    return found


def _near(member: Member, numbers: Collection[int]) -> dict[int, str]:
    near = {n for number in numbers for n in range(number - AROUND, number + AROUND + 1)}
    last = max(near, default=0)
    found: dict[int, str] = {}
    inside = ""  # the element of a secret that is open
    try:
        for number, line in lines(member, Harvest(SourceBook().open(member.name))):
            if number > last:
                break
            shown, inside = _without_secret(line, inside, shown=number in near)
            if number in near:
                found[number] = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
    except CutShortError:  # as when it was read first: what came before counts
        pass
    return found


def _without_secret(line: str, inside: str, *, shown: bool) -> tuple[str, str]:
    """Return a line as anybody may see it, and the element of a secret that is still open behind it.

    Where a line does not tell what it holds, rather too little is shown than too much.
    """
    if inside:
        return MASK, "" if f"</{inside}" in line else inside
    if "<" in line:
        line, inside = _elements(line)
    if not shown:
        return "", inside
    if (setting := _SETTING.match(line)) and names_a_secret(_words(setting[1])):
        return f"{setting[1]} {MASK}", inside
    return bare_secrets(scrub(line)), inside


def _words(path: str) -> str:
    return re.sub(r"[^\w]+", " ", path)


def _elements(line: str) -> tuple[str, str]:
    """Return a line of XML without the content of elements that name a secret, and the one that is still open."""
    for element in _ELEMENT.finditer(line):
        if not element[1] and not element[3] and names_a_secret(element[2]):
            end = line.find(f"</{element[2]}", element.end())
            if end < 0:
                return line[: element.end()] + MASK, element[2]
            rest, inside = _elements(line[end:])
            return line[: element.end()] + MASK + rest, inside
    return line, ""
