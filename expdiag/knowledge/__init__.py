"""Facts as data: limits, platforms, alarms, field paths and the catalogue of requirements, with citations."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

STRENGTHS = ("must", "should")
SUBJECTS = {
    "cluster": 0,
    "peer": 1,
    "pair": 2,
    "ordered pair": 2,
}  # what a verdict is about, and how many peers that is


@cache
def load(name: str) -> dict[str, Any]:
    """Return one file of facts, read once."""
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of the catalogue.

    Attributes:
        number: `R01` to `R51` in the order of Cisco's page, `E01` on for those stated elsewhere.
        rule: its fixed id.
        each: what a verdict is about: `cluster`, `peer`, `pair` or `ordered pair`.
        strength: `must` or `should`, after Cisco's wording.
    """

    number: str
    rule: str
    section: str
    strength: str
    each: str
    title: str
    reference: str


@cache
def requirements() -> tuple[Requirement, ...]:
    """Return the catalogue in order."""
    return tuple(Requirement(**row) for row in load("requirements")["requirement"])


@cache
def configuration_words() -> frozenset[str]:
    """Return the words a configuration path may begin with, in lower case."""
    return frozenset(load("exports")["configuration"]["first_words"])


@cache
def indexed_paths(tree: str) -> frozenset[str]:
    """Return the skeletons of the nodes of a tree that carry an index, `*` in its place."""
    return frozenset(load("exports")["indexed"].get(tree, ()))


@cache
def _alarms_by_title() -> dict[str, list[dict[str, Any]]]:
    by_title: dict[str, list[dict[str, Any]]] = {}
    for alarm in load("alarms")["alarm"]:
        by_title.setdefault(alarm["title"].lower(), []).append(alarm)
    return by_title


@cache
def _alarms_by_uuid() -> dict[str, int]:
    return {alarm["uuid"]: alarm["number"] for alarm in load("alarms")["alarm"] if "uuid" in alarm}


def alarm_number(uuid: str, title: str, detail: str) -> int | None:
    """Return the number of an alarm known by its UUID, else by its title and a telling phrase; None if unknown."""
    if uuid.lower() in _alarms_by_uuid():
        return _alarms_by_uuid()[uuid.lower()]
    for alarm in _alarms_by_title().get(title.strip().lower(), ()):
        if alarm.get("mark", "") in detail.lower():
            return int(alarm["number"])
    return None
