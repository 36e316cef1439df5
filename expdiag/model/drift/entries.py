"""Lists of a configuration whose indexes are only places: zones, search rules, users. Compared by what is in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from expdiag.model.places import INDEX

# Zones Zone 3 HopCount
_ENTRY = re.compile(r"(?P<list>.*?) (?P<index>[0-9]{1,9})(?: (?P<rest>.*))?")

Entry = dict[str, "Leaf"]


class Leaf(NamedTuple):
    """A setting as one peer's export shows it; `value` is None, and so is `source`, where it is not there."""

    value: str | None
    path: str
    source: int | None


def split(path: str) -> tuple[str, int, str] | None:
    """Return the list, index and rest of the path of an entry of a list, None for other paths."""
    found = _ENTRY.fullmatch(path)
    return (found["list"], int(found["index"]), found["rest"] or "") if found else None


def differences_of_list(
    name: str, entries: Mapping[str, Mapping[int, Entry]], whole: Collection[str], *, is_mixed: bool
) -> dict[str, dict[str, Leaf]]:
    """Return where a list is not the same on all peers, and what each peer says there.

    Args:
        name: path of the list.
        entries: its entries by peer and index.
        whole: peers whose export would print every entry there is.
        is_mixed: the exports are of several forms, which print different leaves of an entry.
    """
    filled = {
        peer: {at: entry for at, entry in of_peer.items() if any(leaf.value for leaf in entry.values())}
        for peer, of_peer in entries.items()
    }
    filled = {**{peer: {} for peer in whole}, **filled}
    if is_mixed:
        filled = _common_leaves(filled)
    is_plain = all(len(entry) == 1 for of_peer in filled.values() for entry in of_peer.values())
    left = filled if is_plain else _without_equals(filled)
    found: dict[str, dict[str, Leaf]] = {}
    for title, by_peer in _paired(name, left, by_index=is_plain).items():
        missing = [peer for peer in whole if peer not in by_peer]
        if missing:
            some = next(iter(next(iter(by_peer.values())).values()))
            said = {peer: _shown(entry) for peer, entry in by_peer.items()}
            found[title] = {**said, **{peer: Leaf(None, some.path, None) for peer in missing}}
        for rest in _rests(by_peer):
            told = _told(rest, by_peer)
            if len({_plain(leaf.value, is_mixed=is_mixed) for leaf in told.values()}) > 1:
                found[f"{title} {rest}".strip()] = told
    return found


def _common_leaves(entries: Mapping[str, Mapping[int, Entry]]) -> dict[str, dict[int, Entry]]:
    """Return entries with only those leaves that the exports of all peers print."""
    printed = [{rest for entry in of_peer.values() for rest in entry} for of_peer in entries.values() if of_peer]
    common = set.intersection(*printed) if printed else set()
    return {
        peer: {at: {rest: leaf for rest, leaf in entry.items() if rest in common} for at, entry in of_peer.items()}
        for peer, of_peer in entries.items()
    }


def _without_equals(entries: Mapping[str, Mapping[int, Entry]]) -> dict[str, dict[int, Entry]]:
    """Return the entries that do not stand, with the same content, in the lists of all peers."""
    content = {
        peer: {at: frozenset((rest, _plain(leaf.value)) for rest, leaf in entry.items()) for at, entry in rows.items()}
        for peer, rows in entries.items()
    }
    counts = [Counter(rows.values()) for rows in content.values()]
    common = counts[0]
    for other in counts[1:]:
        common = common & other
    left: dict[str, dict[int, Entry]] = {}
    for peer, rows in content.items():
        equal = common.copy()
        left[peer] = {}
        for at, said in rows.items():
            if equal[said] > 0:
                equal[said] -= 1
            else:
                left[peer][at] = entries[peer][at]
    return left


def _paired(name: str, entries: Mapping[str, Mapping[int, Entry]], *, by_index: bool) -> dict[str, dict[str, Entry]]:
    """Return entries that are about the same thing by what to call it: those of one name, else of one index."""
    found: dict[str, dict[str, Entry]] = {}
    for peer, rows in entries.items():
        taken: Counter[str] = Counter()
        for at, entry in sorted(rows.items()):
            own = None if by_index else _name_of(entry)
            title = f'{name} "{own}"' if own else f"{name} {at}"
            taken[title] += 1
            if taken[title] > 1:
                title = f"{title} ({taken[title]})"
            found.setdefault(title, {})[peer] = entry
    return found


def _name_of(entry: Entry) -> str | None:
    return next((leaf.value for rest, leaf in entry.items() if rest.lower() == "name" and leaf.value), None)


def _shown(entry: Entry) -> Leaf:
    """Return the leaf that stands for a whole entry: its name, else the first that is set."""
    filled = [(rest, leaf) for rest, leaf in sorted(entry.items()) if leaf.value]
    return next((leaf for rest, leaf in filled if rest.lower() == "name"), filled[0][1])


def _rests(by_peer: Mapping[str, Entry]) -> list[str]:
    return sorted({rest for entry in by_peer.values() for rest in entry})


def _told(rest: str, by_peer: Mapping[str, Entry]) -> dict[str, Leaf]:
    """Return what each peer says of one leaf of an entry; an entry of a list inside it may be missing."""
    said = {peer: entry[rest] for peer, entry in by_peer.items() if rest in entry}
    if INDEX.search(f" {rest}") and any(leaf.value for leaf in said.values()):
        path = next(iter(said.values())).path
        return {peer: said.get(peer, Leaf("", path, None)) for peer in by_peer}
    return said


def _plain(value: str | None, *, is_mixed: bool = False) -> str:
    plain = (value or "").strip()
    return plain.casefold() if is_mixed else plain
