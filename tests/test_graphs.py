"""Graphs of peers and hops: what is merged, shared, uneven, slow, and what could stay together."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import expdiag
from expdiag.findings import Finding, Findings, PeerSummary, Subject, Verdict
from expdiag.graphs import files, hops, sets
from expdiag.knowledge import requirements
from expdiag.scenarios.spec import ClusterSpec, healthy
from expdiag.scenarios.write import write_case

IDS = {known.rule: known for known in requirements()}


def traceroute(target: str, *stops: str) -> str:
    """Return what traceroute prints; a stop is `address ms`, or `*`."""
    lines = [f"traceroute to {target} ({target}), 30 hops max, 60 byte packets"]
    for ttl, stop in enumerate(stops, start=1):
        address, _, ms = stop.partition(" ")
        lines.append(f"{ttl:2}  * * *" if stop == "*" else f"{ttl:2}  {address}  {ms} ms  {ms} ms  {ms} ms")
    return "\n".join(lines) + "\n"


def traced(folder: Path, traces: dict[tuple[str, str], list[str]], cluster: ClusterSpec | None = None) -> expdiag.Case:
    cluster = cluster or healthy()
    addresses = {peer.host_name: peer.ipv4 for peer in cluster.peers}
    texts = {
        f"probes/{start}/traceroute-{end}.txt": traceroute(addresses[end], *stops)
        for (start, end), stops in traces.items()
    }
    write_case(cluster.with_files(texts), folder)
    return expdiag.load(folder)


# e1 and e2 share a site; e3 is far, behind one router that every path to it passes
SITES = {
    ("e1", "e2"): ["10.0.1.12 0.400"],
    ("e1", "e3"): ["10.0.1.1 1.000", "192.0.2.1 9.000", "192.0.2.9 40.000", "10.0.1.13 41.000"],
    ("e2", "e3"): ["10.0.1.1 1.200", "192.0.2.1 9.500", "192.0.2.9 40.500", "10.0.1.13 42.000"],
    ("e3", "e1"): ["192.0.2.10 1.000", "192.0.2.2 38.000", "10.0.1.11 41.000"],
}


@pytest.fixture
def case(tmp_path: Path) -> expdiag.Case:
    return traced(tmp_path, SITES)


def test_all_traces_become_one_graph(case: expdiag.Case) -> None:
    graph = case.hop_graph()
    assert {node: kind for node, kind in graph.nodes(data="kind") if kind == "peer"} == dict.fromkeys(
        ("e1", "e2", "e3"), "peer"
    )
    assert graph.edges["192.0.2.1", "192.0.2.9"]["paths"] == ["e1 → e3", "e2 → e3"]
    assert graph.edges["192.0.2.1", "192.0.2.9"]["traces"] == 2
    assert graph.edges["192.0.2.1", "192.0.2.9"]["added_ms"] == 31.0
    assert graph.edges["e1", "e2"]["added_ms"] == 0.4


def test_shared_routers_and_single_points(case: expdiag.Case) -> None:
    graph = case.hop_graph()
    assert hops.shared_routers(graph)["192.0.2.1"] == ["e1 → e3", "e2 → e3"]
    assert "192.0.2.10" not in hops.shared_routers(graph)
    # e3 hangs on the way there and on the way back, so neither router alone parts it from the others
    assert hops.single_points(graph) == {}


def test_a_router_all_paths_need_is_a_single_point(tmp_path: Path) -> None:
    there = {way: stops for way, stops in SITES.items() if way != ("e3", "e1")}
    points = hops.single_points(traced(tmp_path, there).hop_graph())
    assert points == {node: [["e1", "e2"], ["e3"]] for node in ("10.0.1.1", "192.0.2.1", "192.0.2.9")}


def test_paths_of_different_lengths_there_and_back(case: expdiag.Case) -> None:
    assert hops.uneven_pairs(case.cluster.view(hops.paths)) == {("e1", "e3"): (4, 3)}


def test_the_step_that_adds_the_delay(case: expdiag.Case) -> None:
    found = {
        (step.path.start, step.path.end): (step.before, step.after, step.added)
        for step in hops.slowest_steps(case.cluster.view(hops.paths))
    }
    assert found["e1", "e3"] == ("192.0.2.1", "192.0.2.9", 31.0)
    assert found["e3", "e1"] == ("192.0.2.10", "192.0.2.2", 37.0)


def test_a_router_that_answers_late_is_no_delay(tmp_path: Path) -> None:
    late = {("e1", "e3"): ["10.0.1.1 1.000", "192.0.2.1 60.000", "192.0.2.9 9.000", "10.0.1.13 20.000"]}
    (step,) = hops.slowest_steps(traced(tmp_path, late).cluster.view(hops.paths))
    assert (step.before, step.after, step.added) == ("192.0.2.9", "e3", 11.0)


def test_silence_is_a_node_of_its_own_path_and_its_end_is_left_out(tmp_path: Path) -> None:
    silent = {("e1", "e3"): ["10.0.1.1 1.000", "*", "192.0.2.9 9.000", "*", "*"], ("e2", "e3"): ["*", "10.0.1.13 9.0"]}
    graph = traced(tmp_path, silent).hop_graph()
    assert [node for node, kind in graph.nodes(data="kind") if kind == "silent"] == [
        "silent, 2 from the start of e1 → e3",
        "silent, 1 from the start of e2 → e3",
    ]
    assert "e3" in nx.descendants(graph, "e2")
    assert "e3" not in nx.descendants(graph, "e1")


def test_a_case_without_traces_has_an_empty_graph(tmp_path: Path) -> None:
    graph = traced(tmp_path, {}).hop_graph()
    assert len(graph) == 0
    assert hops.shared_routers(graph) == hops.single_points(graph) == {}


@pytest.mark.parametrize("kind", ["peers", "hops"])
def test_graphs_are_read_back_as_they_were_written(case: expdiag.Case, kind: str) -> None:
    graph = case.graph() if kind == "peers" else case.hop_graph()
    back = files.from_json(files.to_json(graph))
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert list(back.edges(data=True)) == list(graph.edges(data=True))
    known = nx.DiGraph()
    known.add_nodes_from((n, {k: v for k, v in a.items() if v is not None}) for n, a in graph.nodes(data=True))
    known.add_edges_from((s, e, {k: v for k, v in a.items() if v is not None}) for s, e, a in graph.edges(data=True))
    back = files.from_graphml(files.to_graphml(graph))
    assert dict(back.nodes(data=True)) == dict(known.nodes(data=True))
    assert {(s, e): a for s, e, a in back.edges(data=True)} == {(s, e): a for s, e, a in known.edges(data=True)}


def test_hostile_names_survive_as_text(tmp_path: Path) -> None:
    cluster = healthy().changed("e2", system_name="<script>\x1b[31m", version="X14.3.4")
    graph = traced(tmp_path, SITES, cluster).graph()
    graph.nodes["e2"]["version"] = "<script>\x00\x1b[31m\u202e"
    assert "<script>" not in files.to_graphml(graph)
    assert files.from_graphml(files.to_graphml(graph)).nodes["e2"]["version"].startswith("<script>")


def findings_with(broken: list[tuple[str, str]], peers: int = 4, rule: str = "round-trip-delay") -> Findings:
    names = [f"e{n}" for n in range(1, peers + 1)]
    known = IDS[rule]
    found = [
        Finding(known, Subject(known.each, pair), Verdict("violation" if pair in broken else "pass", "x"), ())
        for pair in combinations(names, 2)
    ]
    return Findings(
        found, "case", None, [PeerSummary(name, "E", None, None, None, name == "e1", True) for name in names]
    )


def test_the_largest_set_leaves_out_the_far_peer() -> None:
    far = findings_with([("e1", "e4"), ("e2", "e4"), ("e3", "e4")])
    assert sets.largest_sets(far) == [("e1", "e2", "e3")]
    (removal,) = sets.best_removals(far)
    assert removal.peers == ("e4",)
    assert removal.left == ()


def test_one_bad_link_is_to_be_mended_and_no_peer_taken_out() -> None:
    one = findings_with([("e2", "e3")])
    assert sets.largest_sets(one) == [("e1", "e2", "e4"), ("e1", "e3", "e4")]
    assert [removal.peers for removal in sets.best_removals(one)] == [("e2", "e3")]


def test_the_primary_is_never_taken_out() -> None:
    found = sets.best_removals(findings_with([("e1", "e2"), ("e1", "e3")]))
    assert all("e1" not in removal.peers or len(removal.peers) == 2 for removal in found)


def test_only_the_rules_asked_for_count() -> None:
    found = findings_with([("e1", "e2")])
    assert sets.violated_pairs(found, ["one-way-hop"]) == {}
    assert sets.largest_sets(found, ["one-way-hop"]) == [("e1", "e2", "e3", "e4")]


@given(st.sets(st.sampled_from([(f"e{a}", f"e{b}") for a, b in combinations(range(1, 7), 2)])))
def test_the_largest_sets_are_what_trying_all_gives(broken: set[tuple[str, str]]) -> None:
    findings = findings_with(sorted(broken), peers=6)
    names = [f"e{n}" for n in range(1, 7)]
    fitting = [
        chosen
        for size in range(1, 7)
        for chosen in combinations(names, size)
        if not any(pair in broken for pair in combinations(chosen, 2))
    ]
    most = max(map(len, fitting))
    assert sets.largest_sets(findings) == sorted(chosen for chosen in fitting if len(chosen) == most)
