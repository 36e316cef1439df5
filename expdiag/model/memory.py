"""What was worked out of some tables, remembered together with the tables it was made from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

V = TypeVar("V")


class _Kept(NamedTuple):
    value: Any
    read: frozenset[str]


class Tables(Mapping[str, Sequence[Any]]):
    """Tables that know who reads them, and keep what was made of them.

    A copy with some tables changed keeps what was made without reading those, so that after a change of one table
    only what depends on it is worked out again. What is kept must be finished: a value that goes on reading later
    would read the tables it was made from.
    """

    def __init__(self, rows: Mapping[str, Any], kept: Mapping[Hashable, _Kept] | None = None) -> None:
        self._rows = rows
        self._kept = dict(kept or {})
        self._readers: list[set[str]] = []

    def __getitem__(self, name: str) -> Any:
        if self._readers:
            self._readers[-1].add(name)
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def remember(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return what `make` gives, made once for each key."""
        kept = self._kept.get(key)
        if kept is None:
            self._readers.append(set())
            try:
                value = make()
            finally:
                read = self._readers.pop()
            kept = self._kept[key] = _Kept(value, frozenset(read))
        if self._readers:
            self._readers[-1] |= kept.read
        found: V = kept.value
        return found

    def read_by(self, key: Hashable) -> frozenset[str]:
        """Return the names of the tables that what is kept under a key was made from."""
        return self._kept[key].read

    def changed(self, rows: Mapping[str, Sequence[Any]]) -> Tables:
        """Return a copy with some tables in place of the old ones."""
        names: Collection[str] = rows.keys()
        kept = {key: entry for key, entry in self._kept.items() if entry.read.isdisjoint(names)}
        return Tables({**self._rows, **rows}, kept)
