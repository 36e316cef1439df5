"""Where each fact about a peer may stand: `knowledge/fields.toml` as typed places, chosen by release."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from expdiag import knowledge
from expdiag.model.versions import Release, release
from expdiag.tables.leaves import shape

INDEX = re.compile(r"(?<= )[0-9]{1,9}(?= |$)", re.M)
_IGNORED = str.maketrans("", "", "_-")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a field.

    Attributes:
        tree: `configuration`, `status`, `rest`, `log` or `alarm`.
        path: as `fields.toml` writes it, with `*` for indexes.
        skeleton: the path as paths are compared.
        tail: the beginning of the path is left open.
        means: what it says by being there at all; None where its value says it.
        since: the first release that has it, None where that is not known or it always was there.
        until: the last release that has it.
    """

    tree: str
    path: str
    skeleton: str
    tail: bool
    means: str | None
    since: Release | None
    until: Release | None

    def fits(self, of: Release | None) -> bool:
        """Whether a release may have it; one that is not known may have anything."""
        if of is None:
            return True
        early = self.since is not None and of.numbers < self.since.numbers
        late = self.until is not None and of.numbers[: len(self.until.numbers)] > self.until.numbers
        return not (early or late)

    def holds(self, shape_: str) -> bool:
        """Whether a path with this skeleton stands here."""
        return shape_ == self.skeleton or (self.tail and shape_.endswith(f" {self.skeleton}"))

    def __str__(self) -> str:
        return f"{self.tree}: {self.path}"


def skeleton(path: str) -> str:
    """Return a path with `*` for each index and nothing that differs between spellings."""
    return INDEX.sub("*", path).translate(_IGNORED).lower()


def skeletons(paths: Sequence[str]) -> list[str]:
    """Return the skeletons of many paths, which is several times as fast as one by one."""
    found = skeleton("\n".join(paths)).split("\n")
    return found if len(found) == len(paths) else [skeleton(path) for path in paths]


@cache
def places(field: str, of: Release | None = None) -> tuple[Place, ...]:
    """Return the places of a field in the order of trust, those that a release should not have last."""
    found = [_place(entry) for entry in knowledge.load("fields")[field]["places"]]
    return tuple(sorted(found, key=lambda place: not place.fits(of)))


def _place(entry: str | Mapping[str, Any]) -> Place:
    row = {"at": entry} if isinstance(entry, str) else entry
    tree, _, path = str(row["at"]).partition(": ")
    plain = path.removeprefix("… ")
    since, until = (release(row[key]) if key in row else None for key in ("since", "until"))
    return Place(tree, path, skeleton(plain), plain != path, row.get("means"), since, until)


@cache
def fields() -> tuple[str, ...]:
    """Return the names of all fields."""
    return tuple(knowledge.load("fields"))


@cache
def has_index(field: str) -> bool:
    """Whether a field has a value per index, such as an address per interface."""
    return any("*" in place.skeleton for place in places(field))


@cache
def is_made(field: str) -> bool:
    """Whether a field is made of what its places say together, so that none of them is its value."""
    return bool(knowledge.load("fields")[field].get("made", False))


@cache
def is_passing(field: str) -> bool:
    """Whether every export says a field anew, so that two of them do not contradict each other."""
    return bool(knowledge.load("fields")[field].get("passing", False))


@cache
def words(field: str) -> Mapping[str, str]:
    """Return how the values of a field are spelled by us, by their spelling in lower case."""
    return dict(knowledge.load("fields")[field].get("words", {}))


@lru_cache(maxsize=1 << 14)
def tells(tree: str, shape_: str) -> bool:
    """Whether settings of a shape may stand at a place of a field, or say whose they are; True for a few that do not.

    Args:
        tree: their tree.
        shape_: what their paths have in common, see `expdiag.tables.leaves.shape`.
    """
    if tree == "log" or (tree, shape_) == ("rest", "peer"):
        return True
    plain = " " + shape(shape_.translate(_IGNORED))
    return any(plain == known or (tail and plain.endswith(known)) for known, tail in _shapes_of_places(tree))


@cache
def _shapes_of_places(tree: str) -> tuple[tuple[str, bool], ...]:
    found = (place for field in fields() for place in places(field) if place.tree == tree)
    return tuple((" " + shape(place.skeleton.replace("*", "0")), place.tail) for place in found)


def page(field: str) -> str:
    """Return the page of the web interface that shows a field."""
    return str(knowledge.load("fields")[field]["page"])


def stated(field: str) -> str:
    """Return the key of `case.toml` that states a field where no export shows it; empty where there is none."""
    return str(knowledge.load("fields")[field].get("stated", ""))
