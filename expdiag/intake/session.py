"""A terminal session in which several tools ran: the output of each command goes to the reader that knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple, TypeVar

from expdiag.intake.member import HEAD_BYTES, Member
from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest, Reader, TooMuchError, as_utf8

_MOST_BYTES = 16 << 20
_LOOKED_AT = 400
L = TypeVar("L", str, bytes)
Choose = Callable[[list[str]], Reader | None]


class _Stretch(NamedTuple):
    """The lines from one prompt to the next; the first one is counted from 0."""

    first: int
    lines: list[bytes]


def is_mixed(first: Sequence[str], choose: Choose) -> bool:
    """Whether the first lines of a text hold prompts with commands that different readers know.

    Args:
        first: the lines.
        choose: returns the reader of some lines, None where none knows them.
    """
    starts = [place for place, line in enumerate(first) if _is_command(line)]
    if len(starts) < 2:
        return False
    readers = {choose(list(first[start:end])) for start, end in pairwise([*starts, len(first)])}
    return len(readers - {None}) > 1


def read(member: Member, harvest: Harvest, choose: Choose) -> None:
    """Read each stretch of a session with its own reader; lines keep their numbers."""
    lines = _whole(member, harvest)
    for reader, stretches in groupby(_stretches(lines), key=lambda stretch: choose(_head(stretch))):
        first, *more = stretches
        together = [line for stretch in (first, *more) for line in stretch.lines]
        harvest.lines_before = first.first
        if reader:
            content = b"\n".join(together) + b"\n"
            reader.read(_as_member(member.name, content), harvest)
            continue
        for number, line in enumerate(together, start=1):
            if line.strip() and not _is_command(line.decode("utf-8", errors="replace")):
                harvest.issue("unrecognised", line.decode("utf-8", errors="replace"), number)
    harvest.lines_before = 0
    harvest.lines = len(lines)


def _is_command(line: str) -> bool:
    found = prompt(line)
    return bool(found and found.command)


def _whole(member: Member, harvest: Harvest) -> list[bytes]:
    data = b""
    for chunk in as_utf8(member, harvest):
        data += chunk
        if len(data) > _MOST_BYTES:
            raise TooMuchError(
                f"a terminal session of more than {_MOST_BYTES >> 20} MB; put each tool into its own file"
            )
    return data.removesuffix(b"\n").split(b"\n")


def _stretches(lines: list[bytes]) -> Iterator[_Stretch]:
    start = 0
    for place, line in enumerate(lines):
        if place > start and _is_command(line.decode("utf-8", errors="replace").rstrip("\r")):
            yield _Stretch(start, lines[start:place])
            start = place
    yield _Stretch(start, lines[start:])


def _head(stretch: _Stretch) -> list[str]:
    return [line.decode("utf-8", errors="replace").rstrip("\r") for line in stretch.lines[:_LOOKED_AT]]


def _as_member(name: str, content: bytes) -> Member:
    rest = memoryview(content)[HEAD_BYTES:]
    at = 0

    def more(size: int) -> bytes:
        nonlocal at
        at += size
        return bytes(rest[at - size : at])

    return Member(name, content[:HEAD_BYTES], more)
