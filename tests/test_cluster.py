"""Which files are one peer, what peers are called, who is primary, and whom a name means."""

from __future__ import annotations

from dataclasses import replace

import pytest

import expdiag
from expdiag.model import names, versions
from expdiag.model.products import platforms
from expdiag.model.products.platforms import Equivalence
from expdiag.scenarios import exports
from expdiag.scenarios.spec import AS_OF, ClusterSpec, PeerSpec, healthy
from expdiag.scenarios.write import bundle, tar_gz, write_case


def peers(case: expdiag.Case) -> list[str]:
    return [peer.name for peer in case.cluster.peers]


def loose(cluster: ClusterSpec, pattern: str) -> dict[str, str | bytes]:
    """Return the dumps of a cluster under names of one's own."""
    found: dict[str, str | bytes] = {}
    for peer in cluster.peers:
        for name, content in bundle(peer, cluster).items():
            kind = name.partition("_e")[0]
            ending = name.rpartition(".")[2]
            found[pattern.format(peer=peer.host_name, kind=kind, ending=ending)] = content
    return found


@pytest.mark.parametrize(
    "pattern",
    [
        "{peer}/{kind}.{ending}",
        "{peer}-{kind}.{ending}",
        "all/{kind}_{peer}.{ending}",
        "Customer {peer} of 3/deep/{kind}.{ending}",
        "{kind} ({peer}).{ending}",
    ],
)
def test_loose_files_are_put_together_by_what_they_and_their_names_say(files, pattern: str) -> None:
    case = expdiag.load(files(loose(healthy(), pattern)))

    assert peers(case) == ["e1", "e2", "e3"]
    assert all(peer.server_certificate and peer.version.known for peer in case.cluster.peers)
    assert "unassigned" not in {issue.kind for issue in case.all_issues}


def test_files_that_say_nothing_and_have_no_telling_name_are_not_guessed(files) -> None:
    contents = {f"{p.host_name}.tar.gz": tar_gz(bundle(p, healthy()), AS_OF) for p in healthy().peers}
    pem = next(c for n, c in bundle(healthy().peers[0], healthy()).items() if n.startswith("server"))

    case = expdiag.load(files({**contents, "loose/certificate.pem": pem}))

    assert [(i.kind, i.file) for i in case.all_issues] == [("unassigned", "loose/certificate.pem")]


def test_two_peers_with_one_host_name_stay_two_and_are_called_by_address(case_of) -> None:
    case = case_of(healthy().changed("e2", host_name="e3"))

    assert peers(case) == ["10.0.1.12", "10.0.1.13", "e1"]


def test_two_peers_with_one_host_name_and_no_serial_number_stay_two(files) -> None:
    cluster = healthy().changed("e2", host_name="e1")
    contents = {f"{p.ipv4}/x.txt": exports.configuration_text(exports.configuration(p)) for p in cluster.peers}

    assert peers(expdiag.load(files(contents))) == ["10.0.1.11", "10.0.1.12", "e2", "e3"]


def test_two_peers_with_one_address_stay_two(case_of) -> None:
    assert peers(case_of(healthy().changed("e2", ipv4="10.0.1.11"))) == ["e1", "e2", "e3"]


def test_a_peer_without_host_name_is_called_by_its_system_name(case_of) -> None:
    cluster = healthy()
    nameless = replace(cluster, peers=(*cluster.peers[:2], cluster.peers[2].changed(host_name="")))

    assert "edge 3" in peers(case_of(replace(nameless, round_trips={**nameless.round_trips, **_paths("")})))


def _paths(host: str) -> dict[frozenset[str], float]:
    return {frozenset({other, host}): 10.0 for other in ("e1", "e2")}


def test_upper_case_host_names_are_one_with_lower_case_ones(case_of) -> None:
    cluster = healthy()
    upper = cluster.peers[0].changed(host_name="E1")
    renamed = replace(
        cluster,
        peers=(upper, *cluster.peers[1:]),
        round_trips={**cluster.round_trips, frozenset({"E1", "e2"}): 9.0, frozenset({"E1", "e3"}): 9.0},
    )

    assert peers(case_of(renamed)) == ["e1", "e2", "e3"]


def test_peers_that_are_only_listed_are_there_and_unseen(tmp_path) -> None:
    cluster = healthy()
    write_case(replace(cluster, peers=cluster.peers[:2]), tmp_path / "c")

    case = expdiag.load(tmp_path / "c")

    assert [(p.name, p.seen) for p in case.cluster.peers] == [("e1", True), ("e2", True), ("e3", False)]
    assert expdiag.check(case).peers[2].address == "10.0.1.13"


def test_a_wrong_entry_in_one_list_makes_no_peer(case_of) -> None:
    listed = ("e1.edge.example.com", "10.9.9.9", "e3.edge.example.com")

    assert peers(case_of(healthy().changed("e2", peer_list=listed))) == ["e1", "e2", "e3"]


def test_the_primary_is_the_one_most_peers_name(case_of) -> None:
    assert case_of(healthy()).cluster.primary.name == "e1"
    assert case_of(healthy().changed("e3", primary=2)).cluster.primary.name == "e1"
    moved = healthy().changed("e1", primary=3).changed("e2", primary=3).changed("e3", primary=3)
    assert case_of(moved).cluster.primary.name == "e3"


def test_without_a_majority_there_is_no_primary(case_of) -> None:
    assert case_of(healthy().changed("e2", primary=2).changed("e3", primary=3)).cluster.primary is None


def test_a_log_alone_tells_the_peers_and_the_primary(real, files) -> None:
    lines = (real / "samples" / "loggingsnapshot-cluster-x12.txt").read_text().splitlines()
    mine = "\n".join(line for line in lines if " expc01 " in line)

    cluster = expdiag.load(files({"loggingsnapshot.txt": mine})).cluster

    assert [(peer.name, peer.seen) for peer in cluster.peers] == [("expc01", True), ("expc02", False)]
    assert cluster.primary.name == "expc01"
    assert cluster.primary.tls_mode.value == "Enforce"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("e2", "e2"),
        ("E2.EDGE.example.com.", "e2"),
        ("10.0.1.12", "e2"),
        ("10.0.2.12", "e2"),
        ("203.0.113.12", "e2"),
        ("Edge 2", "e2"),
        ("e9", None),
        ("198.51.100.1", None),
    ],
)
def test_whom_a_name_or_address_means(case_of, text: str, name: str | None) -> None:
    found = case_of(healthy()).cluster.find(text)

    assert (found.name if found else None) == name


def test_a_fact_in_case_toml_that_an_export_contradicts_is_an_issue(files) -> None:
    cluster = healthy()
    contents = {f"{p.host_name}.tar.gz": tar_gz(bundle(p, cluster), AS_OF) for p in cluster.peers}
    toml = '[peers."e1.edge.example.com"]\ntype = "C"\n[peers.e9]\ntype = "E"\n'

    case = expdiag.load(files({**contents, "case.toml": toml}))

    assert {(issue.kind, issue.file) for issue in case.all_issues} == {
        ("conflict", "case.toml"),
        ("unmatched", "case.toml"),
    }
    assert case.cluster.find("e1").type.value == "E"


def test_places_of_one_bundle_that_disagree_are_an_issue(files) -> None:
    peer: PeerSpec = healthy().peers[0]
    texts = {
        "e1/a.txt": exports.configuration_text(exports.configuration(peer)),
        "e1/b.xml": exports.xml("Configuration", exports.configuration(peer.changed(h323="Off")), "X14.3.4"),
    }

    case = expdiag.load(files(texts))

    assert [(i.kind, i.file) for i in case.all_issues if i.kind == "conflict"] == [("conflict", "e1/a.txt")]
    assert case.cluster.find("e1").h323_on.value is False


@pytest.mark.parametrize(
    ("texts", "ordered"),
    [
        (["X8.11.4", "X8.5.2", "X15.0", "X12.6", "X14.0.7"], ["X8.5.2", "X8.11.4", "X12.6", "X14.0.7", "X15.0"]),
        (["X14.3.10", "X14.3.2"], ["X14.3.2", "X14.3.10"]),
    ],
)
def test_releases_are_ordered_by_their_numbers(texts: list[str], ordered: list[str]) -> None:
    assert [str(r) for r in sorted(map(versions.release, texts))] == ordered


@pytest.mark.parametrize("text", ["", "unknown", "X", "14.x"])
def test_what_is_no_release(text: str) -> None:
    assert versions.release(text) is None or versions.release(text).numbers == (14,)


@pytest.mark.parametrize(
    ("serial", "hardware", "model"),
    [
        ("52E5ABCD", "CE1300", "CE1300"),
        ("52E10001", "UCSC-C220-M5", "CE1200"),
        ("52E00001", "Cisco", "CE1200"),
        ("52D12345", None, "CE1100"),
        ("52B00001", "appliance", "CE1000"),
        ("52C00001", "appliance", "CE500"),
        ("52E10001", "VMware", None),
        ("017DB2D0", "VMware", None),
    ],
)
def test_models_by_serial_number(serial: str, hardware: str | None, model: str | None) -> None:
    assert platforms.from_serial(serial, hardware) == model


@pytest.mark.parametrize(
    ("one", "other", "equivalence"),
    [
        ("Medium", "Medium", Equivalence.SAME),
        ("Medium", "CE1000", Equivalence.SAME),
        ("Medium", "CE1100", Equivalence.SAME),
        ("CE1100", "CE1200", Equivalence.SAME),
        ("CE1200", "Medium", Equivalence.UNCLEAR),
        ("CE1200", "Large", Equivalence.UNCLEAR),
        ("CE1100", "Large", Equivalence.DIFFERENT),
        ("Small", "Medium", Equivalence.DIFFERENT),
        ("Small", "CE1200", Equivalence.DIFFERENT),
        ("Medium", "Large", Equivalence.DIFFERENT),
    ],
)
def test_which_platforms_are_equivalent(one: str, other: str, equivalence: Equivalence) -> None:
    assert platforms.compare(one, other) is platforms.compare(other, one) is equivalence


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("E1.Example.COM", "e1.example.com.", True),
        ("b\u00fccher.example", "xn--bcher-kva.example", True),
        ("e1.example.com", "e1.example.org", False),
        ("not a name!", "NOT A NAME!", True),
    ],
)
def test_when_dns_names_are_the_same(one: str, other: str, same: bool) -> None:
    assert names.same_name(one, other) is same


def test_the_graph_says_who_lists_whom_and_how_far_it_is(case_of) -> None:
    graph = case_of(healthy().with_round_trip("e1", "e3", 96)).graph()

    assert graph.nodes["e1"]["primary"]
    assert graph.nodes["e2"]["address"] == "10.0.1.12"
    assert graph.number_of_edges() == 6
    assert 96 < graph.edges["e1", "e3"]["round_trip_ms"] < 98
    assert graph.edges["e1", "e3"]["listed"]
    assert graph.edges["e1", "e3"]["loss"] == 0


def test_an_entry_in_the_place_of_a_peer_that_is_here_makes_no_peer(case_of) -> None:
    listed = ("e1.edge.example.com", "e2.edge.example.com", "10.9.9.9")
    cluster = healthy()

    case = case_of(replace(cluster, peers=tuple(peer.changed(peer_list=listed) for peer in cluster.peers)))

    assert peers(case) == ["e1", "e2", "e3"]
