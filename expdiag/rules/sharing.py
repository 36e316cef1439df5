"""What must be each peer's own: which values two peers share, and who has to change."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from expdiag.model.cluster import Cluster


def shared(values: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Return each value more than one peer has, with the names of those peers."""
    owners: dict[str, list[str]] = {}
    for name, own in values.items():
        for value in dict.fromkeys(own):
            owners.setdefault(value, []).append(name)
    return {value: tuple(names) for value, names in owners.items() if len(names) > 1}


def at_fault(cluster: Cluster, doubles: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return who has to change: those that share with the primary. Among others the evidence does not tell."""
    primary = cluster.primary.name if cluster.primary else None
    found = {name for owners in doubles.values() if primary in owners for name in owners if name != primary}
    return tuple(sorted(found))
