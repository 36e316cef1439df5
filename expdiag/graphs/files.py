"""Graphs as files: GraphML and node-link JSON, each read back as it was written."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from expdiag.safe import printable

if TYPE_CHECKING:
    import networkx as nx


def to_json(graph: nx.DiGraph) -> str:
    """Return a graph as node-link JSON."""
    import networkx as nx

    return json.dumps(nx.node_link_data(graph, edges="edges"), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def from_json(text: str) -> nx.DiGraph:
    """Return the graph of a node-link JSON."""
    import networkx as nx

    return nx.node_link_graph(json.loads(text), edges="edges")


def to_graphml(graph: nx.DiGraph) -> str:
    """Return a graph as GraphML; it knows no lists and no missing values, so those stand as JSON and are left out."""
    import networkx as nx

    plain = nx.DiGraph()
    plain.add_nodes_from((node, _plain(attributes)) for node, attributes in graph.nodes(data=True))
    plain.add_edges_from((start, end, _plain(attributes)) for start, end, attributes in graph.edges(data=True))
    buffer = io.BytesIO()
    nx.write_graphml_xml(plain, buffer)
    return printable(buffer.getvalue().decode("utf-8")) + "\n"


def from_graphml(text: str) -> nx.DiGraph:
    """Return the graph of a GraphML text that `to_graphml` wrote."""
    import networkx as nx

    graph = nx.parse_graphml(text)
    for *_, attributes in (*graph.nodes(data=True), *graph.edges(data=True)):
        for key, value in attributes.items():
            if isinstance(value, str) and value.startswith("["):
                attributes[key] = json.loads(value)
    return graph


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: json.dumps(value) if isinstance(value, list) else _without_controls(value)
        for key, value in attributes.items()
        if value is not None
    }


def _without_controls(value: Any) -> Any:
    """XML has no place for control characters, whatever the escape."""
    if not isinstance(value, str):
        return value
    return "".join(mark if mark.isprintable() or mark in "\t\n" else "\N{REPLACEMENT CHARACTER}" for mark in value)
