"""What a person reads first: what to do on which peer, and the verdicts in groups."""

from __future__ import annotations

from dataclasses import dataclass

from expdiag.findings import PASS, UNKNOWN, VIOLATION, Finding, Findings


@dataclass(frozen=True, slots=True)
class Task:
    """Violations that one change clears: one rule, one fix, one or several subjects."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The finding that stands for all."""
        return self.findings[0]


@dataclass(frozen=True, slots=True)
class Visit:
    """A peer to log in to, and what to change there; no peer where the evidence does not tell which."""

    peers: tuple[str, ...]
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule over all its subjects, as a summary shows it."""

    outcome: str
    findings: tuple[Finding, ...]

    @property
    def reason(self) -> str:
        """What they have in common: the reason, and for several that pass the requirement itself."""
        first = self.findings[0]
        several_passes = self.outcome == PASS and len(self.findings) > 1
        return first.requirement.title if several_passes else first.verdict.reason

    @property
    def subjects(self) -> str:
        """The one subject, or how many there are."""
        if len(self.findings) == 1:
            return str(self.findings[0].subject)
        kind = self.findings[0].subject.kind
        return f"{len(self.findings)} {'pairs' if 'pair' in kind else kind + 's'}"


def visits(findings: Findings) -> tuple[Visit, ...]:
    """Return what to change, by the peer to log in to, the primary first."""
    by_peers: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings.of(VIOLATION):
        if finding.accepted is None:
            by_peers.setdefault(finding.verdict.log_in, []).append(finding)
    primary = {peer.peer for peer in findings.peers if peer.primary}
    ordered = sorted(by_peers.items(), key=lambda item: (not item[0], primary.isdisjoint(item[0]), item[0]))
    return tuple(Visit(peers, _tasks(found)) for peers, found in ordered)


# What decides whether a machine stays comes before what would be changed on it
_FIRST = ("platforms-equivalent", "no-mixed-types", "round-trip-delay", "one-way-hop")


def _tasks(found: list[Finding]) -> tuple[Task, ...]:
    by_fix: dict[str, list[Finding]] = {}
    for finding in sorted(found, key=lambda f: f.requirement.rule not in _FIRST):
        by_fix.setdefault(finding.verdict.fix, []).append(finding)
    return tuple(Task(tuple(group)) for group in by_fix.values())


def lines(findings: Findings, outcome: str) -> tuple[RuleLine, ...]:
    """Return the findings of one outcome; those of one rule with one reason, and all passes of a rule, together."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings.of(outcome):
        reason = "" if outcome == PASS else finding.verdict.reason
        groups.setdefault((finding.requirement.number, reason), []).append(finding)
    return tuple(RuleLine(outcome, tuple(group)) for group in groups.values())


def headline(findings: Findings) -> str:
    """Return the state of the cluster in one sentence."""
    broken = {f.requirement.number for f in findings.of(VIOLATION) if f.is_open_violation}
    advised = {f.requirement.number for f in findings.of(VIOLATION) if not f.is_open_violation and f.accepted is None}
    judged = {f.requirement.number for f in findings}
    open_ones = {f.requirement.number for f in findings.of(UNKNOWN)}
    if broken:
        parts = [f"{len(broken)} of {len(judged)} requirements are violated"]
    else:
        parts = [f"no violation among {len(judged)} requirements"]
    if advised:
        parts.append(f"{len(advised)} recommendation{'s are' if len(advised) > 1 else ' is'} not followed")
    accepted = sum(1 for f in findings if f.accepted is not None)
    if accepted:
        parts.append(f"{accepted} deviation{'s are' if accepted > 1 else ' is'} accepted")
    if open_ones:
        parts.append(f"{len(open_ones)} {'are' if len(open_ones) > 1 else 'is'} at least in part unknown")
    return "; ".join(parts)
