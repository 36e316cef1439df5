"""When a peer got its type and when it was put into a peer list, as its log tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from expdiag import knowledge
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.tables import ConfigurationChange

_PLAIN = str.maketrans("", "", "_-")


@dataclass(frozen=True, slots=True)
class Joining:
    """The change of the type that counts, and the change of the peer list beside it; None where the log has none.

    Attributes:
        too_late: the type was set while the peer was in the list.
    """

    typed: ConfigurationChange | None
    joined: ConfigurationChange | None
    too_late: bool = False

    @classmethod
    def of(cls, cluster: Cluster, peer: Peer) -> Joining:
        """Return what the log of a peer tells.

        A change that empties a place of the list is no joining but a leaving; what came before it does not count.
        """
        changes = [change for change in cluster.view(changes_by_peer).get(peer.name, ()) if change.time]
        types = [change for change in changes if is_type(change)]
        lists = [change for change in changes if is_peer_list(change)]
        for late in types:
            before = [change for change in lists if _time(change) < _time(late)]
            if before and before[-1].new != "":
                return cls(late, before[-1], too_late=True)
        typed = types[0] if types else None
        joins = (change for change in lists if change.new != "")
        return cls(typed, next((change for change in joins if typed is None or _time(change) > _time(typed)), None))

    @staticmethod
    def when(change: ConfigurationChange) -> str:
        """Return the time of a change in words."""
        return f"{change.time:%Y-%m-%d %H:%M:%S} UTC"


def _time(change: ConfigurationChange) -> datetime:
    assert change.time is not None
    return change.time


def changes_by_peer(cluster: Cluster) -> dict[str, list[ConfigurationChange]]:
    """Return logged changes of the configuration by peer, in order of time. Give it to `Cluster.view`."""
    found: dict[str, list[ConfigurationChange]] = {}
    for change in cluster.rows["configuration_changes"]:
        if name := cluster.peer_of(change.source):
            found.setdefault(name, []).append(change)
    for changes in found.values():
        changes.sort(key=lambda change: (change.time is None, change.time))
    return found


def is_peer_list(change: ConfigurationChange) -> bool:
    """Whether a change is one of the peer list."""
    words = change.item.lower().translate(_PLAIN).split()
    if not words:
        return False
    known: list[str] = knowledge.load("platforms")["log"]["peer_list"]
    return words[0] in known or (words[0].startswith("cluster") and any("peer" in word for word in words[1:]))


def is_type(change: ConfigurationChange) -> bool:
    """Whether a change is one of the type of a node.

    Its item names a type and its value is one; where no value is told, its item stands in a table of the type.
    """
    log = knowledge.load("platforms")["log"]
    words = change.item.lower().translate(_PLAIN).split()
    if not words or words[0] in log["other_tables"]:
        return False
    if change.new is None:
        return words[0] in log["type_tables"]
    plain = change.new.lower().replace(" ", "").translate(_PLAIN).removeprefix("cisco")
    return words[-1] in log["type_words"] and plain in log["types"]
