"""Finds the few settings in which large dumps differ, and the entries of lists they belong to, as texts and columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import ne

Columns = tuple[str, str]  # paths and values, one a line
Place = tuple[str, int, str]  # list, index, rest of the path


def odd_paths(dumps: Sequence[Columns], *, is_mixed: bool = False) -> set[str]:
    """Return the paths that are not, with one value, in all dumps; in any letter case where they are of several forms.

    What stands alike at the beginning and at the end is passed over as text.
    """
    first, *others = [(p.lower(), v.casefold()) for p, v in dumps] if is_mixed else dumps
    odd: set[str] = set()
    for other in others:
        if first[0] == other[0]:
            odd.update(_odd_values(first[0], first[1], other[1]))
        else:
            odd.update(_odd_lines(first, other))
    return odd


def _odd_values(paths: str, values: str, others: str) -> Iterator[str]:
    """Yield the paths whose values differ, in dumps of the same paths."""
    if values == others:
        return
    begin = values.count("\n", 0, _common_start(values, others))
    stop = values.count("\n", 0, len(values) - _common_end(values, others)) + 1
    named, own, their = (text.split("\n", stop)[begin:stop] for text in (paths, values, others))
    yield from compress(named, map(ne, own, their))


def _odd_lines(one: Columns, other: Columns) -> set[str]:
    """Return the paths that only one dump has, or with another value."""
    own, their = ([text.split("\n") for text in columns] for columns in (one, other))
    least = min(len(own[0]), len(their[0]))
    begin = next((n for n, (a, b) in enumerate(zip(own[0], their[0], strict=False)) if a != b), least)
    backward = zip(reversed(own[0]), reversed(their[0]), strict=False)
    end = next((n for n, (a, b) in enumerate(backward) if a != b), least)
    end = min(end, least - begin)
    odd = set(compress(own[0][:begin], map(ne, own[1][:begin], their[1][:begin])))
    if end:
        odd.update(compress(own[0][-end:], map(ne, own[1][-end:], their[1][-end:])))
    left = [
        set(zip(paths[begin : len(paths) - end], values[begin : len(values) - end], strict=True))
        for paths, values in (own, their)
    ]
    odd.update(path for path, _ in left[0] ^ left[1])
    return odd


def _common_start(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _common_end(one: str, other: str) -> int:
    """Return how many characters two texts end with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        same = one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


@dataclass(frozen=True, slots=True)
class Sought:
    """Entries of lists of which something differs.

    Attributes:
        lists: paths of the lists.
        entries: list and index by the path of the entry.
        leaves: paths by which an entry can be found in a dump.
    """

    lists: frozenset[str]
    entries: dict[str, tuple[str, int]]
    leaves: dict[str, str]

    @classmethod
    def of(cls, places: Iterable[Place]) -> Sought:
        """Return what is sought, from the odd leaves of entries."""
        known = list(places)
        entries = {f"{name} {index}": (name, index) for name, index, _ in known}
        rests: dict[str, set[str]] = {}
        for name, _, rest in known:
            rests.setdefault(name, {"Name", "name"}).add(rest)
        leaves = {f"{entry} {rest}".strip(): entry for entry, (name, _) in entries.items() for rest in rests[name]}
        return cls(frozenset(rests), entries, leaves)

    def found(self, paths: Sequence[str]) -> Iterator[tuple[int, Place]]:
        """Yield every leaf of the entries that are sought, by its number; those of one entry stand together."""
        met: set[str] = set()
        for number in [number for number, path in enumerate(paths) if path in self.leaves]:
            entry = self.leaves[paths[number]]
            if entry in met:
                continue
            met.add(entry)
            begin = end = number
            while begin and _belongs(paths[begin - 1], entry):
                begin -= 1
            while end + 1 < len(paths) and _belongs(paths[end + 1], entry):
                end += 1
            name, index = self.entries[entry]
            for at in range(begin, end + 1):
                yield at, (name, index, paths[at][len(entry) + 1 :])

    def printed(self, paths: Sequence[str]) -> set[str]:
        """Return the lists of which a dump prints any entry, and the first words of its paths."""
        if not self.lists:
            return set()
        lists = {name for name in self.lists if any(_is_entry(path, name) for path in paths)}
        return lists | {path.partition(" ")[0] for path in paths if path}


def _belongs(path: str, entry: str) -> bool:
    return path.startswith(entry) and path[len(entry) : len(entry) + 1] in ("", " ")


def _is_entry(path: str, name: str) -> bool:
    return path.startswith(name) and path[len(name) : len(name) + 1] == " " and path[len(name) + 1 :][:1].isdigit()
