"""Which settings replicate: `knowledge/replication.toml` as questions about a path."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

from expdiag import knowledge
from expdiag.model.places import skeleton

PEER_SPECIFIC, SILENT, REPLICATES = "peer-specific", "silent", "replicates"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
# 2026-05-01 12:00:00   2026-05-01T12:00:00Z
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}.*")


def kind(path: str) -> str:
    """Return whether a setting replicates, is each peer's own, or sources are silent about it."""
    return _kind(skeleton(path))


@lru_cache(maxsize=1 << 14)
def _kind(plain: str) -> str:
    last = plain.rpartition(" ")[2]
    if "@" in plain or last in _load()["noise"]["last_words"]:
        return PEER_SPECIFIC
    for name, group in ((PEER_SPECIFIC, "peer_specific"), (SILENT, "silent")):
        if any(_begins(plain, begin) for begin in _paths(group)):
            return name
    return REPLICATES


def judged_by(path: str, values: Collection[str]) -> str:
    """Return the number of the requirement a difference in a setting breaks by itself; empty for none."""
    plain = skeleton(path)
    for row in _load()["elsewhere"]:
        if any(_begins(plain, skeleton(begin)) for begin in row["paths"]):
            return str(row["rule"]) if _reaches(values, row.get("at_least")) else ""
    return ""


def _reaches(values: Collection[str], least: int | None) -> bool:
    numbers = [int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 10]
    return least is None or any(number >= least for number in numbers)


def tells_nothing(values: set[str]) -> bool:
    """Whether values differ by nature: each is an identifier of its own, or a moment."""
    filled = [value for value in values if value]
    return len(filled) == len(values) and (all(map(_UUID.fullmatch, filled)) or all(map(_MOMENT.fullmatch, filled)))


def hours_apart() -> int:
    """Return how many hours exports may lie apart to be held against each other."""
    return int(_load()["exports"]["hours_apart"])


@cache
def _paths(group: str) -> tuple[str, ...]:
    return tuple(skeleton(path) for row in _load()[group] for path in row["paths"])


def _begins(plain: str, begin: str) -> bool:
    return plain == begin or plain.startswith((f"{begin} ", f"{begin}/"))


def _load() -> dict[str, Any]:
    return knowledge.load("replication")
