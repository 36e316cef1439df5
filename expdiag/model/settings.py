"""The settings of one peer, found by field: `knowledge/fields.toml` says where each may stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

from expdiag import knowledge
from expdiag.evidence import file_number
from expdiag.model.facts import Fact
from expdiag.tables import Setting
from expdiag.tables.leaves import shape

_INDEX = re.compile(r"(?<= )[0-9]{1,9}(?= |$)")
_IGNORED = str.maketrans("", "", "_-")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a field: a tree, and a path with `*` for indexes; `tail` leaves its beginning open."""

    tree: str
    skeleton: str
    tail: bool


def skeleton(path: str) -> str:
    """Return a path with `*` for each index and nothing that differs between spellings."""
    return _INDEX.sub("*", path).translate(_IGNORED).lower()


@cache
def places(field: str) -> tuple[Place, ...]:
    """Return the places of a field in the order of trust."""
    parsed = []
    for text in knowledge.load("fields")[field]["places"]:
        tree, _, path = text.partition(": ")
        tail = path.startswith("… ")
        parsed.append(Place(tree, skeleton(path.removeprefix("… ")), tail))
    return tuple(parsed)


@lru_cache(maxsize=1 << 14)
def tells(tree: str, shape_: str) -> bool:
    """Whether settings of a shape may stand at a place of a field; True for a few that do not, and all of a log."""
    plain = " " + shape(shape_.translate(_IGNORED))
    return tree == "log" or any(
        plain == known or (tail and plain.endswith(known)) for known, tail in _shapes_of_places(tree)
    )


@cache
def _shapes_of_places(tree: str) -> tuple[tuple[str, bool], ...]:
    found = (place for field in knowledge.load("fields") for place in places(field) if place.tree == tree)
    return tuple((" " + shape(place.skeleton.replace("*", "0")), place.tail) for place in found)


def has_index(field: str) -> bool:
    """Whether a field has a value per index, such as an address per interface."""
    return any("*" in place.skeleton for place in places(field))


def page(field: str) -> str:
    """Return the page of the web interface that shows a field."""
    return str(knowledge.load("fields")[field]["page"])


class Settings:
    """All settings of one peer, the most trusted first where a place has several."""

    def __init__(
        self,
        rows: Iterable[Setting],
        cut_files: Collection[int] = (),
        last_rows: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        """Take the rows of a peer, as far as they stand at a place of a field.

        Args:
            rows: the rows, the most trusted first.
            cut_files: numbers of files whose end is missing.
            last_rows: the source of the last setting of each file.
        """
        self._cut_files = frozenset(cut_files)
        self._last_rows = last_rows
        self._by_place: dict[tuple[str, str], list[Setting]] = {}
        self._by_last_word: dict[tuple[str, str], list[str]] = {}
        for row in rows:
            shape = skeleton(row.path)
            known = self._by_place.setdefault((row.tree, shape), [])
            if not known:
                last = shape.rpartition(" ")[2]
                self._by_last_word.setdefault((row.tree, last), []).append(shape)
            known.append(row)

    def at(self, place: Place) -> list[Setting]:
        """Return the settings at a place."""
        if not place.tail:
            return self._by_place.get((place.tree, place.skeleton), [])
        last = place.skeleton.rpartition(" ")[2]
        shapes = self._by_last_word.get((place.tree, last), ())
        ends = [s for s in shapes if s == place.skeleton or s.endswith(f" {place.skeleton}")]
        return [row for shape in ends for row in self._by_place[(place.tree, shape)]]

    def value(self, field: str) -> Fact[str]:
        """Return a field that has one value, from the first place that is not empty."""
        empty: Fact[str] = Fact()
        for place in places(field):
            for row in self.at(place):
                if row.value:
                    return Fact(row.value, (row.source,))
                empty = empty.or_else(Fact("", (row.source,)))
        return empty

    def values(self, field: str) -> dict[int, Fact[str]]:
        """Return a field that has one value per index, by index; the first place that holds any counts.

        An index whose value is empty is there with an empty text: the evidence says that it is not set.
        """
        for place in places(field):
            found: dict[int, Fact[str]] = {}
            for row in self.at(place):
                index = _INDEX.search(row.path)
                found.setdefault(int(index[0]) if index else 1, Fact(row.value, (row.source,)))
            if found:
                return dict(sorted(found.items()))
        return {}

    def ends_in(self, listed: Mapping[int, Fact[str]], full: int | None = None) -> bool:
        """Whether a list is the last thing a file says, so that entries of it may be missing.

        Args:
            listed: the list, by index.
            full: how many indexes an export always prints; without it only a file that shows a cut counts.
        """
        sources = [source for fact in listed.values() for source in fact.sources]
        if not sources:
            return False
        file = file_number(sources[-1])
        suspect = file in self._cut_files or (full is not None and len(listed) < full)
        return suspect and self._last_rows.get(file) == max(sources)

    def of_log(self) -> list[Setting]:
        """Return the hosts a log names itself by."""
        return self._by_place.get(("log", "host"), [])

    def rivals(self, field: str) -> list[Setting]:
        """Return settings of a field with one value that contradict the one that counts."""
        chosen = self.value(field)
        if not chosen.value:
            return []
        return [
            row
            for place in places(field)
            for row in self.at(place)
            if row.value and row.value.casefold() != chosen.value.casefold()
        ]
