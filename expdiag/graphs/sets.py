"""Which peers could stay together: the largest sets in which no pair breaks a requirement, and what helps most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION, Findings

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Removal:
    """A peer to take out, or a link to mend.

    Attributes:
        peers: one peer, or the two ends of a link.
        cleared: the violated pairs that are gone then.
        left: the violated pairs that stay.
    """

    peers: tuple[str, ...]
    cleared: tuple[Pair, ...]
    left: tuple[Pair, ...]


def violated_pairs(findings: Findings, rules: Iterable[str] = ()) -> dict[Pair, list[str]]:
    """Return the pairs that break a requirement about pairs, sorted by name, and the numbers of those requirements.

    Args:
        findings: of a case.
        rules: ids of the rules that count; all that are about pairs for none.
    """
    counted = frozenset(rules)
    found: dict[Pair, list[str]] = {}
    for finding in findings.of(VIOLATION):
        if "pair" in finding.subject.kind and (not counted or finding.requirement.rule in counted):
            one, other = sorted(finding.subject.peers)
            numbers = found.setdefault((one, other), [])
            if finding.requirement.number not in numbers:
                numbers.append(finding.requirement.number)
    return dict(sorted(found.items()))


def largest_sets(findings: Findings, rules: Iterable[str] = ()) -> list[tuple[str, ...]]:
    """Return the largest sets of peers in which no pair is known to break a requirement, each sorted; several tie."""
    import networkx as nx

    peers = [peer.peer for peer in findings.peers]
    broken = violated_pairs(findings, rules)
    graph = nx.Graph()
    graph.add_nodes_from(peers)
    graph.add_edges_from(pair for pair in combinations(sorted(peers), 2) if pair not in broken)
    cliques = [tuple(sorted(clique)) for clique in nx.find_cliques(graph)]
    size = max(map(len, cliques), default=0)
    return sorted(clique for clique in cliques if len(clique) == size)


def best_removals(findings: Findings, rules: Iterable[str] = ()) -> list[Removal]:
    """Return what clears the most violated pairs: the best peers to take out, then the best links to mend.

    A link whose repair clears one pair is worth saying only where no peer is behind several of them, so links are
    listed where no peer clears more than one pair. The primary is never proposed to be taken out.
    """
    broken = tuple(violated_pairs(findings, rules))
    if not broken:
        return []
    primaries = {peer.peer for peer in findings.peers if peer.primary}
    candidates = sorted({name for pair in broken for name in pair} - primaries)
    by_peer = [_without((name,), [pair for pair in broken if name in pair], broken) for name in candidates]
    most = max((len(removal.cleared) for removal in by_peer), default=0)
    links = [_without(pair, [pair], broken) for pair in broken]
    if most > 1:
        return [removal for removal in by_peer if len(removal.cleared) == most]
    return links


def _without(peers: tuple[str, ...], cleared: list[Pair], broken: tuple[Pair, ...]) -> Removal:
    return Removal(peers, tuple(cleared), tuple(pair for pair in broken if pair not in cleared))


def worst(outcomes: Iterable[str]) -> str:
    """Return the outcome that counts of several: a violation, else an unknown, else a pass."""
    said = set(outcomes)
    return next((outcome for outcome in (VIOLATION, UNKNOWN, PASS) if outcome in said), NOT_APPLICABLE)
