"""The last time the whole cluster was restarted: which starts belong to it, and whether all peers were down at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from expdiag import knowledge
from expdiag.model.cluster import Cluster
from expdiag.model.history import timeline as times
from expdiag.model.history.timeline import Start, Timeline, margin


class Outage(Enum):
    """Whether all peers were down at the same time."""

    SHOWN = "logs show that all were down at the same time"
    CLOSE = "the starts lie as close together as in one event"
    PERHAPS = "the starts lie too far apart to be surely one event"
    NONE = "one peer was still up when another was back: they were restarted one by one"


@dataclass(frozen=True, slots=True)
class WholeRestart:
    """The starts of all peers in one event.

    Attributes:
        starts: by peer.
        outage: whether all were down at once.
        tolerance: how much earlier a start may seem than it was.
    """

    starts: Mapping[str, Start]
    outage: Outage
    tolerance: timedelta

    @property
    def sources(self) -> tuple[int, ...]:
        """Where the starts are shown."""
        return tuple(source for start in self.starts.values() for source in start.sources)

    def before(self, primary: str) -> tuple[Start, ...]:
        """Return the starts of others that surely were before that of the primary, earliest first."""
        own = self.starts[primary].time
        return tuple(sorted(s for s in self.starts.values() if s.time < own - self.tolerance))


def of_cluster(cluster: Cluster) -> WholeRestart | None:
    """Return the last restart of the whole cluster, None where the evidence shows none; a view."""
    return last(cluster.view(times.of_cluster), [peer.name for peer in cluster.peers])


def last(timeline: Timeline, peers: list[str]) -> WholeRestart | None:
    """Return the last event in which all of some peers started."""
    perhaps = timedelta(minutes=knowledge.load("procedures")["whole_restart"]["perhaps_minutes"])
    for end in sorted((s.time for peer in peers for s in timeline.starts.get(peer, ())), reverse=True):
        members = {
            peer: next((s for s in reversed(timeline.starts.get(peer, ())) if end - perhaps <= s.time <= end), None)
            for peer in peers
        }
        starts = {peer: start for peer, start in members.items() if start is not None}
        if len(starts) == len(peers):
            return WholeRestart(starts, _outage(starts), _tolerance(starts))
    return None


def cannot_be(timeline: Timeline, peers: list[str]) -> bool:
    """Whether the starts that are known are too far apart for any event of all, whatever the others did."""
    known = [peer for peer in peers if timeline.starts.get(peer)]
    return len(known) > 1 and last(timeline, known) is None


def _outage(starts: Mapping[str, Start]) -> Outage:
    limits = knowledge.load("procedures")["whole_restart"]
    first, end = min(s.time for s in starts.values()), max(s.time for s in starts.values())
    if any(start.down and start.down > first + margin() for start in starts.values()):
        return Outage.NONE
    if all(start.asked and start.down for start in starts.values()):
        return Outage.SHOWN
    return Outage.CLOSE if end - first <= timedelta(minutes=limits["surely_minutes"]) else Outage.PERHAPS


def _tolerance(starts: Mapping[str, Start]) -> timedelta:
    """A start in a log and one by the uptime are some minutes apart; two of one kind are not."""
    if len({start.logged for start in starts.values()}) > 1:
        return timedelta(minutes=knowledge.load("procedures")["start"]["one_start_minutes"])
    return margin()
