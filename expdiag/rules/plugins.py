"""Rules of other packages: each entry point of the group `expdiag.rules` names a `Rule`, or several."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from expdiag import knowledge
from expdiag.knowledge import STRENGTHS, SUBJECTS
from expdiag.rules.declare import Rule

GROUP = "expdiag.rules"


@dataclass(frozen=True, slots=True)
class Plugins:
    """What the installed plug-ins gave.

    Attributes:
        rules: those that can be used, by number.
        problems: what is wrong with the others, a sentence each.
    """

    rules: dict[str, Rule]
    problems: tuple[str, ...]


@cache
def installed() -> Plugins:
    """Return the rules of the plug-ins installed beside this package; a bad one costs itself and no other."""
    return gather(sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)))


def gather(entries: Iterable[EntryPoint]) -> Plugins:
    """Return the rules some entry points give; of two with one id the first counts."""
    rules: dict[str, Rule] = {}
    problems = []
    for entry in entries:
        where = f"plug-in {entry.name} ({entry.value})"
        try:
            given = entry.load()
            found = [given] if isinstance(given, Rule) else list(given)
        except Exception as error:  # whatever it does, the rest has to run
            problems.append(f"{where} cannot be loaded: {type(error).__name__}: {error}")
            continue
        for rule in found:
            if problem := _wrong(rule, rules):
                problems.append(f"{where}: {problem}")
            else:
                rules[rule.requirement.number] = rule
    return Plugins(rules, tuple(problems))


def _wrong(rule: object, known: dict[str, Rule]) -> str:
    """Return what is wrong with a declaration; empty where nothing is."""
    if not isinstance(rule, Rule):
        return f"{rule!r} is no Rule; declare it with expdiag.rules.declare.custom"
    requirement = rule.requirement
    name = requirement.rule
    taken = {key for entry in knowledge.requirements() for key in (entry.number, entry.rule)} | known.keys()
    if ":" not in name or not all(name.split(":", 1)):
        return f"{name!r} needs an id with the name of its maker, such as 'acme:{name.strip(':') or 'rule'}'"
    if name in taken:
        return f"there is a rule {name!r} already"
    if requirement.each not in SUBJECTS:
        return f"{name} is judged for each {requirement.each!r}, which is none of {', '.join(SUBJECTS)}"
    if requirement.strength not in STRENGTHS:
        return f"{name} has the strength {requirement.strength!r}, which is none of {', '.join(STRENGTHS)}"
    try:
        inspect.signature(rule.judge).bind(None, *[None] * SUBJECTS[requirement.each])
    except (TypeError, ValueError) as error:
        return f"{name} cannot be called with the cluster and its subject: {error}"
    return ""
