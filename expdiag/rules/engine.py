"""Runs every rule over its subjects. A rule that crashes costs its own verdict and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from expdiag import knowledge
from expdiag.errors import UnknownNameError
from expdiag.evidence import SourceBook
from expdiag.findings import (
    NOT_APPLICABLE,
    UNKNOWN,
    VIOLATION,
    Finding,
    Findings,
    PeerSummary,
    Subject,
    Verdict,
    Want,
)
from expdiag.knowledge import Requirement
from expdiag.model.cluster import Cluster
from expdiag.model.drift.staleness import stale
from expdiag.model.peers import Peer
from expdiag.progress import shown as shown_progress
from expdiag.rules import appliances, basic, dns, elsewhere, network, plugins, symptoms, tms, type_and_platform
from expdiag.rules.agreement import shown
from expdiag.rules.declare import Rule

RULES: dict[str, Rule] = {
    rule.requirement.number: rule
    for section in (type_and_platform, network, basic, dns, tms, appliances, elsewhere)
    for rule in section.RULES
}


_ANY_BUNDLE = Want("bundle", "", "the diagnostic log archive of each peer")


def select(names: Iterable[str]) -> tuple[Requirement, ...]:
    """Return the requirements with these numbers or rule ids, plug-ins behind the catalogue; all of them for none.

    Raises:
        UnknownNameError: a name is neither.
    """
    asked = list(names)
    catalogue = (*knowledge.requirements(), *(rule.requirement for rule in plugins.installed().rules.values()))
    keys = {key: known for known in catalogue for key in (known.rule, known.number.lower())}
    for name in asked:
        if name.lower() not in keys:
            raise UnknownNameError("rule", name, keys)
    chosen = {keys[name.lower()].number for name in asked}
    return tuple(known for known in catalogue if not asked or known.number in chosen)


class Judged(Protocol):
    """What the engine needs of a case."""

    @property
    def name(self) -> str:
        """Name of the case."""

    @property
    def as_of(self) -> datetime | None:
        """The clock for validity checks."""

    @property
    def sources(self) -> SourceBook:
        """Opens source ids."""

    @property
    def cluster(self) -> Cluster:
        """The peers and all tables."""


def check(case: Judged, rules: Iterable[str] = (), progress: Callable[[str], None] | None = None) -> Findings:
    """Judge a case.

    Args:
        case: a loaded case; it is not changed.
        rules: numbers or ids of the rules to judge, all for none.
        progress: called with the id of each rule before it is judged, besides what shows itself where a case is large.

    Raises:
        UnknownNameError: there is no such rule.
    """
    cluster = case.cluster
    findings: list[Finding] = []
    chosen = select(rules)
    with shown_progress("judging", sum(row.bytes for row in cluster.rows["files"])) as tell:
        for number, requirement in enumerate(chosen):
            tell(number, len(chosen), requirement.rule)
            if progress:
                progress(requirement.rule)
            findings += _findings(requirement, case)
    return Findings(
        findings,
        case.name,
        case.as_of,
        peers=[_summary(peer, cluster) for peer in cluster.peers],
        symptoms=symptoms.reported(cluster, case.sources),
        problems=plugins.installed().problems,
    )


def _findings(requirement: Requirement, case: Judged) -> Iterator[Finding]:
    cluster = case.cluster
    for subject, peers in _subjects(requirement, cluster):
        verdict = _verdict(requirement, cluster, peers)
        yield Finding(
            requirement=requirement,
            subject=subject,
            verdict=verdict,
            sources=tuple(case.sources[source] for source in verdict.evidence),
            accepted=_accepted(requirement, subject, verdict, cluster),
        )


def _subjects(requirement: Requirement, cluster: Cluster) -> Iterator[tuple[Subject, tuple[Peer, ...]]]:
    """Yield the subjects of a requirement with the peers to judge; a cluster of one has no pairs."""
    everybody = tuple(peer.name for peer in cluster.peers)
    if requirement.each == "cluster":
        yield Subject("cluster", everybody), ()
        return
    by_kind: dict[str, list[tuple[Peer, ...]]] = {
        "peer": [(peer,) for peer in cluster.peers],
        "pair": [*cluster.pairs()],
        "ordered pair": [*cluster.ordered_pairs()],
    }
    groups = by_kind[requirement.each]
    for peers in groups:
        yield Subject(requirement.each, tuple(peer.name for peer in peers)), peers


def _verdict(requirement: Requirement, cluster: Cluster, peers: tuple[Peer, ...]) -> Verdict:
    """Return what a rule says of its subject; once said it holds as long as no table it has read is changed."""

    def judge() -> Verdict:
        return with_stale_evidence(_judge(rule, cluster, peers), cluster)

    rule = rule_for(requirement)
    return cluster.rows.remember((rule, *(peer.name for peer in peers)), judge)


def _judge(rule: Rule, cluster: Cluster, peers: tuple[Peer, ...]) -> Verdict:
    if not cluster.peers:
        return Verdict(UNKNOWN, "no peer is in the evidence", want=(_ANY_BUNDLE,))
    if len(cluster.peers) == 1 and rule.compares:
        return Verdict(NOT_APPLICABLE, "a cluster of one has nothing to compare")
    try:
        verdict = rule.judge(cluster, *peers)
        return verdict if isinstance(verdict, Verdict) else _no_verdict(verdict)
    except Exception as error:  # a crashing rule must not take the others with it
        return Verdict(UNKNOWN, f"the rule crashed ({type(error).__name__}: {error})", crashed=True)


def _no_verdict(answer: object) -> Verdict:
    return Verdict(UNKNOWN, f"the rule gave no verdict but {type(answer).__name__}", crashed=True)


def rule_for(requirement: Requirement) -> Rule:
    """Return what judges a requirement."""
    return RULES.get(requirement.number) or plugins.installed().rules[requirement.number]


def manuals() -> dict[str, str]:
    """Return the pages of all rules by number."""
    return {requirement.number: rule_for(requirement).manual for requirement in select(())}


def with_stale_evidence(verdict: Verdict, cluster: Cluster) -> Verdict:
    """Return a verdict that says which of its evidence is older than a logged change of the same setting."""
    known = cluster.view(stale)
    met = {found.source: found for source in verdict.evidence if (found := known.get(source))} if known else {}
    if not met:
        return verdict
    told = "; ".join(
        f"{found.path} of {found.peer} was dumped at {found.taken:%Y-%m-%d %H:%M:%S} UTC and changed to "
        f"{shown(found.new)} at {found.changed:%Y-%m-%d %H:%M:%S} UTC, as its log shows"
        for found in met.values()
    )
    evidence = tuple(dict.fromkeys((*verdict.evidence, *met)))
    return replace(verdict, reason=f"{verdict.reason} (stale evidence: {told})", evidence=evidence)


def _accepted(requirement: Requirement, subject: Subject, verdict: Verdict, cluster: Cluster) -> str | None:
    """Return why a deviation was accepted, None where it was not or no longer is."""
    if verdict.outcome != VIOLATION:
        return None
    for accepted in cluster.facts.accepted:
        if accepted.rule not in (requirement.rule, requirement.number):
            continue
        if accepted.until and cluster.as_of and cluster.as_of > accepted.until:
            continue
        named = {peer.name for name in accepted.subject if (peer := cluster.find(name))}
        if not accepted.subject or named == set(subject.peers):
            return accepted.reason
    return None


def _summary(peer: Peer, cluster: Cluster) -> PeerSummary:
    return PeerSummary(
        peer=peer.name,
        type=peer.type.value,
        version=str(peer.version.value) if peer.version.value else None,
        platform=peer.platform.value,
        address=_address_of(peer, cluster),
        primary=peer is cluster.primary,
        seen=peer.seen,
    )


def _address_of(peer: Peer, cluster: Cluster) -> str | None:
    """Return its LAN address; of a peer without exports what the others' lists lead to."""
    if peer.addresses:
        return str(peer.addresses[0])
    found = next((a for alias in peer.aliases if (a := cluster.address_of(alias))), None)
    return str(found) if found else None
