"""Likely causes: which violations explain what the peers report, and which only follow from others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from expdiag import knowledge
from expdiag.findings import UNKNOWN, VIOLATION, Finding, Findings, Symptom


@dataclass(frozen=True, slots=True)
class Cause:
    """A violation that no other one explains, and what it explains.

    Attributes:
        findings: the violations of one rule that one change clears.
        symptoms: what the peers report because of it.
        follows: violations of other rules that come from it.
    """

    findings: tuple[Finding, ...]
    symptoms: tuple[Symptom, ...]
    follows: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The finding that stands for all."""
        return self.findings[0]


def causes(findings: Findings) -> tuple[Cause, ...]:
    """Return the likely causes, the one that explains most of what the peers report first."""
    groups = _groups(finding for finding in findings.of(VIOLATION) if finding.is_open_violation)
    explained = {
        key: {other for other in groups if other != key and _leads_to(groups[key], groups[other])} for key in groups
    }
    followers = set().union(*explained.values())
    found = []
    for key, group in groups.items():
        if key not in followers:
            after = [groups[other] for other in groups if other in explained[key]]
            reported = tuple(s for s in findings.symptoms if any(_explains(one, s) for one in (group, *after)))
            found.append(Cause(tuple(group), reported, tuple(finding for one in after for finding in one)))
    return tuple(sorted(found, key=_rank))


def unexplained(findings: Findings) -> tuple[Symptom, ...]:
    """Return what peers report and no violation explains."""
    groups = _groups(findings.of(VIOLATION))
    return tuple(s for s in findings.symptoms if s.rules and not any(_explains(group, s) for group in groups.values()))


def opening(findings: Findings) -> tuple[str, ...]:
    """Return at most three lines: what is broken, why, and what to do first; none where nothing is known to be."""
    ranked = causes(findings)
    if ranked:
        return _opening_of(ranked)
    if open_symptoms := unexplained(findings):
        lines = [f"Reported: {_reports(open_symptoms)}", "Why: no violation was found that explains it"]
        asked = {rule for symptom in open_symptoms for rule in symptom.rules}
        wanted = [w for f in findings.of(UNKNOWN) if f.requirement.rule in asked for w in f.verdict.want]
        return (*lines, f"First: {wanted[0].text}") if wanted else tuple(lines)
    return ()


def _opening_of(ranked: tuple[Cause, ...]) -> tuple[str, ...]:
    top = ranked[0]
    first = top.first
    count = len(top.findings)
    others = f"; {len(ranked) - 1} more below" if len(ranked) > 1 else ""
    broken = _reports(top.symptoms) if top.symptoms else f"{first.requirement.title}: this does not hold"
    more = f" and {count - 1} more like it" if count > 1 else ""
    step = first.verdict.fix.splitlines()[0].removeprefix("1. ")
    who = f" (log in to {' and '.join(first.verdict.log_in)})" if first.verdict.log_in else ""
    return (
        f"Broken: {broken}",
        f"Why: {first.subject}: {first.verdict.reason}{more} ({first.requirement.number}){others}",
        f"First: {step}{who}",
    )


def _reports(symptoms: Iterable[Symptom]) -> str:
    by_title: dict[str, list[str]] = {}
    for symptom in symptoms:
        number = f" (alarm {symptom.number})" if symptom.number is not None else ""
        by_title.setdefault(f"{symptom.title}{number}", []).append(symptom.peer)
    return "; ".join(f"{title} on {', '.join(dict.fromkeys(peers))}" for title, peers in by_title.items())


def _groups(violations: Iterable[Finding]) -> dict[tuple[str, tuple[str, ...]], list[Finding]]:
    groups: dict[tuple[str, tuple[str, ...]], list[Finding]] = {}
    for finding in violations:
        groups.setdefault((finding.requirement.rule, finding.verdict.at_fault), []).append(finding)
    return groups


def _rank(cause: Cause) -> tuple[bool, int, int, str]:
    order = {entry["rule"]: place for place, entry in enumerate(knowledge.load("causes")["cause"])}
    rule = cause.first.requirement.rule
    explains = len(cause.symptoms) + len(cause.follows)
    return not cause.symptoms, -explains, order.get(rule, len(order)), rule


def _leads_to(cause: list[Finding], other: list[Finding]) -> bool:
    if other[0].requirement.rule not in _consequences(cause[0].requirement.rule):
        return False
    blamed, blamed_there = set(cause[0].verdict.at_fault), set(other[0].verdict.at_fault)
    if blamed and blamed_there:
        return not blamed.isdisjoint(blamed_there)
    return not _peers(cause).isdisjoint(_peers(other))


def _explains(group: list[Finding], symptom: Symptom) -> bool:
    if group[0].requirement.rule not in symptom.rules:
        return False
    elsewhere = knowledge.load("causes")["elsewhere"]
    anywhere = elsewhere["logged"] if symptom.number is None else symptom.number in elsewhere["alarms"]
    return anywhere or symptom.peer in _peers(group)


def _peers(group: list[Finding]) -> set[str]:
    return {name for finding in group for name in (*finding.subject.peers, *finding.verdict.at_fault)}


@cache
def _consequences(rule: str) -> frozenset[str]:
    """Return everything that may be broken because of a rule, also by way of others."""
    direct = {entry["rule"]: entry["leads_to"] for entry in knowledge.load("causes")["cause"]}
    found: set[str] = set()
    ahead = list(direct.get(rule, ()))
    while ahead:
        if (following := ahead.pop()) not in found:
            found.add(following)
            ahead += direct.get(following, ())
    return frozenset(found - {rule})
