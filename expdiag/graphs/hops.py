"""All traces of a case as one graph: routers that paths share, routers nothing can go without, where time is spent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from expdiag.model.cluster import Cluster
from expdiag.model.names import usable
from expdiag.tables import Hop, Trace

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True)
class Stop:
    """One distance of a traced path.

    Attributes:
        node: its name in the graph: a peer, the address of a router, or where nobody answered.
        ttl: distance from the vantage, counted from 1.
        rtt: median round trip in ms, or the mean where only totals are printed; None where nothing answered.
        loss: lost share of its probes; None where it is not known.
        sources: source ids of its rows.
    """

    node: str
    ttl: int
    rtt: float | None
    loss: float | None
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """One trace, from where it started to the farthest stop that is known.

    Attributes:
        start: the peer, or another place, at which it ran.
        end: the peer it was meant for, else its target as given.
        stops: what answered at each distance; silent distances behind the last answer are left out.
        reached: the end itself answered; None where the output is cut.
        source: source id of the trace.
    """

    start: str
    end: str
    stops: tuple[Stop, ...]
    reached: bool | None
    source: int

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of all nodes in order, the start first."""
        return (self.start, *(stop.node for stop in self.stops))


@dataclass(frozen=True, slots=True)
class Step:
    """The part of a path that adds the most delay: from the last stop whose time is known to the next one, in ms."""

    path: Path
    before: str
    after: str
    added: float


def paths(cluster: Cluster) -> tuple[Path, ...]:
    """Return every trace of which the vantage is known, in the order they were read; a view."""
    by_run: dict[int, dict[int, list[Hop]]] = {}
    for hop in cluster.rows["hops"]:
        by_run.setdefault(hop.run, {}).setdefault(hop.ttl, []).append(hop)
    return tuple(
        _path(trace, by_run.get(trace.source, {}), cluster) for trace in cluster.rows["traces"] if trace.vantage
    )


def _path(trace: Trace, by_ttl: dict[int, list[Hop]], cluster: Cluster) -> Path:
    start = _peer_or(trace.vantage, cluster)
    end = _peer_or(trace.address or trace.target, cluster)
    stops = [_stop(ttl, by_ttl[ttl], f"{start} → {end}", cluster) for ttl in sorted(by_ttl)]
    while stops and stops[-1].rtt is None and not _is_known(stops[-1]):
        stops.pop()
    return Path(start, end, tuple(stops), trace.reached, trace.source)


def _peer_or(text: str, cluster: Cluster) -> str:
    peer = cluster.find(text)
    return peer.name if peer else text


def _stop(ttl: int, rows: list[Hop], path: str, cluster: Cluster) -> Stop:
    answering = next((row.address or row.name for row in rows if row.address or row.name), "")
    times = [row.rtt for row in rows if row.rtt is not None]
    totals = [row.mean for row in rows if row.mean is not None]
    sent = sum(row.sent if row.sent is not None else 1 for row in rows)
    answered = sum(row.answered if row.answered is not None else row.outcome != "lost" for row in rows)
    return Stop(
        node=_peer_or(answering, cluster) if answering else f"silent, {ttl} from the start of {path}",
        ttl=ttl,
        rtt=median(times) if times else (totals[0] if totals else None),
        loss=1 - answered / sent if sent else None,
        sources=tuple(row.source for row in rows),
    )


def _is_known(stop: Stop) -> bool:
    return not stop.node.startswith("silent, ")


def hop_graph(cluster: Cluster) -> nx.DiGraph:
    """Return all traces merged.

    A node has `kind` (`peer`, `router`, `silent` or `place`), `paths` (which pairs pass it, `e1 → e3`) and `sources`.
    An edge from one stop to the next has `paths`, `traces` (how many show it), `added_ms` (median of what the round
    trip grows by; a router that answers late makes it negative for the next one; None where a time is missing) and
    `loss` at its far end (the highest seen).
    """
    import networkx as nx

    graph = nx.DiGraph()
    added: dict[tuple[str, str], list[float]] = {}
    for path in cluster.view(paths):
        name = f"{path.start} → {path.end}"
        _visit(graph, path.start, cluster, name, (path.source,))
        before, known = path.start, 0.0
        for stop in path.stops:
            _visit(graph, stop.node, cluster, name, stop.sources)
            if not graph.has_edge(before, stop.node):
                graph.add_edge(before, stop.node, paths=[], traces=0, added_ms=None, loss=None)
            edge = graph.edges[before, stop.node]
            edge["paths"] += [name] if name not in edge["paths"] else []
            edge["traces"] += 1
            edge["loss"] = max((loss for loss in (edge["loss"], stop.loss) if loss is not None), default=None)
            if stop.rtt is not None:
                added.setdefault((before, stop.node), []).append(stop.rtt - known)
                known = stop.rtt
            before = stop.node
    for (start, end), steps in added.items():
        graph.edges[start, end]["added_ms"] = round(median(steps), 3)
    return graph


def _visit(graph: nx.DiGraph, node: str, cluster: Cluster, path: str, sources: tuple[int, ...]) -> None:
    if node not in graph:
        kind = "peer" if cluster.find(node) else "silent" if node.startswith("silent, ") else "router"
        graph.add_node(node, kind="place" if kind == "router" and not usable(node) else kind, paths=[], sources=[])
    attributes = graph.nodes[node]
    attributes["paths"] += [path] if path not in attributes["paths"] else []
    attributes["sources"] += sources


def shared_routers(graph: nx.DiGraph) -> dict[str, list[str]]:
    """Return the routers on more than one path, and on which, those on most paths first."""
    found = {
        node: list(attributes["paths"])
        for node, attributes in graph.nodes(data=True)
        if attributes["kind"] == "router" and len(attributes["paths"]) > 1
    }
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def single_points(graph: nx.DiGraph) -> dict[str, list[list[str]]]:
    """Return each router without which the peers would fall into parts, as far as the traces show, and those parts."""
    import networkx as nx

    undirected = graph.to_undirected()
    peers = {node for node, kind in graph.nodes(data="kind") if kind == "peer"}
    found = {}
    for node in sorted(nx.articulation_points(undirected)):
        if graph.nodes[node]["kind"] == "router":
            rest = undirected.copy()
            rest.remove_node(node)
            whole = next(part for part in nx.connected_components(undirected) if node in part)
            parts = [sorted(part & peers) for part in nx.connected_components(rest) if part & peers & whole]
            if len(parts) > 1:
                found[node] = sorted(parts)
    return found


def uneven_pairs(traced: Iterable[Path]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the pairs whose paths there and back have different lengths, and both lengths in hops.

    Lengths are compared and not addresses: a router answers with the interface that faces the prober, so a path back
    over the same routers shows other addresses. Only traces that reached their end count; of several the shortest.
    """
    lengths: dict[tuple[str, str], int] = {}
    for path in traced:
        if path.reached and path.stops and path.stops[-1].node == path.end:
            way = (path.start, path.end)
            lengths[way] = min(path.stops[-1].ttl, lengths.get(way, path.stops[-1].ttl))
    return {
        (start, end): (there, lengths[end, start])
        for (start, end), there in sorted(lengths.items())
        if start < end and lengths.get((end, start), there) != there
    }


def slowest_steps(traced: Iterable[Path]) -> tuple[Step, ...]:
    """Return for each path that has times the step that adds the most to the round trip.

    A router may answer late and yet pass packets at once, so what counts is the lowest time seen from there on: a step
    that later stops do not share is no delay of the path.
    """
    steps = [max(_steps(path), key=lambda step: step.added, default=None) for path in traced]
    return tuple(step for step in steps if step is not None)


def _steps(path: Path) -> Iterator[Step]:
    timed = [(stop.node, stop.rtt) for stop in path.stops if stop.rtt is not None]
    least = float("inf")
    floors = []
    for node, rtt in reversed(timed):
        least = min(least, rtt)
        floors.append((node, least))
    before, known = path.start, 0.0
    for node, floor in reversed(floors):
        yield Step(path, before, node, round(floor - known, 3))
        before, known = node, floor
