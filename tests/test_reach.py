"""What is known of ways, ports and routes, apart from any rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import expdiag
from expdiag.model.names import address
from expdiag.model.network.clustering import in_use, is_private, places, two_interfaces, versions_of
from expdiag.model.network.ports import era_of, listing
from expdiag.model.network.reach import BLOCKED, DISAGREE, OPEN, SILENT, UNSEEN, reach, settle, shown
from expdiag.model.network.routes import route, subnet
from expdiag.model.versions import release
from expdiag.scenarios.spec import ClusterSpec, healthy
from expdiag.scenarios.write import write_case
from expdiag.tables import Reachability

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def seen(state: str, minutes: int | None = None, port: int | None = 4372, said_by: str = "") -> Reachability:
    time = None if minutes is None else NOON + timedelta(minutes=minutes)
    return Reachability("e1", "e2", "10.0.1.12", port, "tcp", state, said_by, "nc", None, time, "", 1)


def loaded(tmp_path: Path, cluster: ClusterSpec) -> expdiag.Case:
    write_case(cluster, tmp_path / "c")
    return expdiag.load(tmp_path / "c")


@pytest.mark.parametrize(
    ("rows", "state", "last", "older"),
    [
        ([], UNSEEN, 0, 0),
        ([seen("unresolved")], UNSEEN, 0, 0),
        ([seen("open"), seen("open")], OPEN, 2, 0),
        ([seen("open-or-filtered")], SILENT, 1, 0),
        ([seen("open-or-filtered"), seen("filtered")], BLOCKED, 1, 0),
        ([seen("open"), seen("filtered")], DISAGREE, 2, 0),
        ([seen("open", 1), seen("filtered")], DISAGREE, 2, 0),
        ([seen("open", 1), seen("filtered", 2)], BLOCKED, 1, 1),
        ([seen("open", 3), seen("filtered", 2)], OPEN, 1, 1),
    ],
)
def test_what_several_tries_say_together(rows: list[Reachability], state: str, last: int, older: int) -> None:
    for ordered in (rows, rows[::-1]):
        found = settle(ordered)
        assert (found.state, len(found.last), len(found.older)) == (state, last, older)


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([seen("refused", said_by="10.0.1.12")], OPEN),
        ([seen("refused", said_by="10.0.0.1")], SILENT),
        ([seen("filtered")], SILENT),
        ([seen("prohibited", said_by="10.0.0.1")], SILENT),
        ([seen("unreachable")], BLOCKED),
        ([seen("unreachable"), seen("open")], OPEN),
    ],
)
def test_whether_a_host_answers(rows: list[Reachability], state: str) -> None:
    assert settle(rows, answers=True).state == state


def test_words_for_a_reason() -> None:
    rows = [seen("filtered", 0), seen("prohibited", said_by="10.0.0.1")]

    assert shown(rows) == "filtered (nc, 2026-05-01 12:00:00 UTC), prohibited by 10.0.0.1 (nc)"


def test_only_tries_from_a_peer_to_where_another_is_clustered_count(tmp_path: Path) -> None:
    nc = "Connection to {} 4372 port [tcp/*] succeeded!\n"
    texts = {
        "probes/e1/lan2.txt": nc.format("10.0.2.12"),
        "probes/e1/nat.txt": nc.format("203.0.113.12"),
        "probes/laptop/e2.txt": nc.format("10.0.1.12"),
        "nowhere.txt": nc.format("10.0.1.12"),
    }
    cluster = healthy(2).with_files({**texts, "probes/e1/ports-e2.txt": "", "probes/e1/ping-e2.txt": ""})
    case = loaded(tmp_path, cluster)
    e1, e2 = case.cluster.peers

    assert case.cluster.view(reach).way(e1, e2).sightings == []


@pytest.mark.parametrize(
    ("version", "needed", "closed"),
    [
        ("X8.11.4", "TCP 4371 and 4372 and UDP 1719", "TCP 4371 and 4372"),
        ("X8.8", "TCP 4371 and 4372 and UDP 1719", "TCP 4371 and 4372"),
        ("X15.5", "TCP 4371 and 4372 and UDP 1719", "TCP 4371 and 4372"),
        ("X8.7.3", "IP protocol AH and UDP 500 and 4371 and 1719 and TCP 4369-4380", "TCP 4369-4380 and UDP 4371"),
    ],
)
def test_ports_by_release(version: str, needed: str, closed: str) -> None:
    era = era_of([release(version), None])

    assert (listing(era.needed), listing(era.closed)) == (needed, closed)
    assert era_of([]).name == "TLS"
    assert era_of([release("X14.0"), release("X8.5")]).name == "IPsec"


def test_where_peers_are_clustered(tmp_path: Path) -> None:
    mapped = replace(healthy(2), mapping={"e1.edge.example.com": "10.0.1.11", "e2.edge.example.com": "203.0.113.12"})
    found = loaded(tmp_path, mapped).cluster.view(places)

    assert [str(at) for at in found["e1"].addresses] == ["10.0.1.11"]
    assert [str(at) for at in found["e2"].addresses] == ["203.0.113.12"]
    assert [str(at) for at in found["e2"].sends_from] == ["10.0.1.12"]
    assert found["e2"].interface.number == 1
    assert {entry.by for entry in found["e2"].entries["e1"]} == {"mapping"}


def test_interfaces_and_versions(tmp_path: Path) -> None:
    e1, e2 = loaded(tmp_path, healthy(2).changed("e2", lan2_ipv4="", static_nat={}, ipv6="fd00::2")).cluster.peers

    assert (two_interfaces(e1), two_interfaces(e2)) == (True, False)
    assert [i.number for i in in_use(e1)] == [1, 2]
    assert [i.number for i in in_use(e2)] == [1]
    assert (versions_of(e1), versions_of(e2)) == ((4,), (4, 6))


@pytest.mark.parametrize(
    ("settings", "to", "how", "interface"),
    [
        ({}, "10.0.1.99", "subnet", 1),
        ({}, "10.0.2.99", "subnet", 2),
        ({}, "10.9.0.1", "default", 1),
        ({"IP Gateway": "10.0.2.1"}, "10.9.0.1", "default", 2),
        ({"IP Gateway": ""}, "10.9.0.1", "", None),
        (
            {
                "IP Gateway": "10.0.2.1",
                "IP Route 1 Address": "10.9.0.0",
                "IP Route 1 PrefixLength": "16",
                "IP Route 1 Gateway": "10.0.1.1",
                "IP Route 2 Address": "10.0.0.0",
                "IP Route 2 PrefixLength": "8",
                "IP Route 2 Gateway": "10.0.2.2",
            },
            "10.9.0.1",
            "static",
            1,
        ),
    ],
)
def test_routes(tmp_path: Path, settings: dict[str, str], to: str, how: str, interface: int | None) -> None:
    e1 = loaded(tmp_path, healthy(1).changed("e1", settings=settings)).cluster.peers[0]
    at = address(to)
    assert at

    found = route(e1, at)

    assert found
    assert (found.how, found.interface) == (how, interface)
    assert str(subnet(e1, e1.lan)) == "10.0.1.0/24"


@pytest.mark.parametrize(
    ("text", "private"),
    [("10.1.2.3", True), ("100.64.0.1", True), ("fd00::1", True), ("203.0.113.9", False), ("2001:db8::1", False)],
)
def test_which_addresses_are_private(text: str, private: bool) -> None:
    at = address(text)
    assert at
    assert is_private(at) == private
