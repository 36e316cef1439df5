"""The question many requirements ask: do all peers say the same?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.peers import Peer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Agreement(Generic[T]):
    """What each peer says of one thing.

    Attributes:
        said: facts by peer, of those that say anything.
        silent: peers that say nothing.
        odd: peers that differ from the primary, else from the majority; empty where neither tells.
    """

    said: Mapping[str, Fact[T]]
    silent: tuple[Peer, ...]
    differ: bool
    odd: tuple[str, ...]

    @property
    def evidence(self) -> tuple[int, ...]:
        """Sources of everything said."""
        return tuple(source for fact in self.said.values() for source in fact.sources)

    def listing(self) -> str:
        """Return who says what, for a reason."""
        groups: dict[str, list[str]] = {}
        for name, fact in self.said.items():
            groups.setdefault(shown(fact.value), []).append(name)
        return "; ".join(f"{value} on {', '.join(names)}" for value, names in groups.items())


def shown(value: object) -> str:
    """Return a value as a reason shows it."""
    if value is None or value == "":
        return "(empty)"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "(empty)"
    return str(value)


def compare(
    cluster: Cluster, fact_of: Callable[[Peer], Fact[T]], key: Callable[[T], object] = lambda value: value
) -> Agreement[T]:
    """Compare one fact over all peers; `key` says when two values are the same."""
    facts = {peer.name: fact_of(peer) for peer in cluster.peers}
    said = {name: fact for name, fact in facts.items() if fact.known}
    keys = {name: key(fact.value) for name, fact in said.items() if fact.value is not None}
    differ = len(set(keys.values())) > 1
    return Agreement(
        said=said,
        silent=tuple(peer for peer in cluster.peers if peer.name not in said),
        differ=differ,
        odd=cluster.odd_ones_out(keys) if differ else (),
    )


def who(odd: Collection[str]) -> str:
    """Return the odd peers as a fix names them."""
    return " and ".join(sorted(odd)) or "the odd peer"


def names(peers: tuple[Peer, ...]) -> str:
    """Return the names of peers as a sentence lists them."""
    listed = [str(peer) for peer in peers]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
