"""What acceptance with clusters of another hand has shown: layouts, captures and faults that were misjudged."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import expdiag
from expdiag.findings import PASS, VIOLATION
from expdiag.model.gathering.claims import Claims
from expdiag.scenarios.spec import healthy
from tests.judging import changed, finding, outcomes
from tests.test_matches import A, B
from tests.test_matches import case_of as captured
from tests.test_rules import ALL, peer
from tests.test_rules_sequence import up, uptimes
from tests.traffic import MS, START, Talk

ONE_ALARM = """<?xml version="1.0"?>
<Status xmlns="http://www.tandberg.no/XML/CUIL/1.0" product="TANDBERG VCS" version="X14.3.4">
<SystemUnit item="1"><Hardware item="1"><SerialNumber item="1">0A1B2C01</SerialNumber></Hardware></SystemUnit>
<Alarm item="1">{}</Alarm></Status>"""
LEAVES = (
    '<ID item="1">20008</ID><Title item="1">Cluster replication disabled</Title><State item="1">Unacknowledged</State>'
)


@pytest.mark.parametrize("inner", [LEAVES, f'<Alarm item="1">{LEAVES}</Alarm>', f'<Alarm item="3">{LEAVES}</Alarm>'])
def test_the_only_alarm_of_a_status_is_read(files, inner: str) -> None:
    case = expdiag.load(files({"e1/xstat_dump_e1_2026.xml": ONE_ALARM.format(inner)}))

    assert [(row.number, row.title) for row in case.tables.rows("alarms")] == [(20008, "Cluster replication disabled")]


def test_a_count_of_alarms_is_no_alarm(files) -> None:
    case = expdiag.load(files({"e1/xstat_dump_e1_2026.xml": ONE_ALARM.format('<Total item="1">0</Total>')}))

    assert case.tables.rows("alarms") == ()


def test_copies_of_a_virtual_machine_are_peers_of_their_own(case_of) -> None:
    cluster = healthy()

    case = case_of(replace(cluster, peers=tuple(p.changed(serial="0A1B2C3D") for p in cluster.peers)))

    assert [p.name for p in case.cluster.peers] == ["e1", "e2", "e3"]
    assert changed(outcomes(case_of(cluster)), outcomes(case)) == {}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Claims(frozenset({"new"}), "0A", "10.0.0.1"), False),
        (Claims(frozenset({"e1"}), "0A", "10.0.0.2"), False),
        (Claims(frozenset({"new"}), "0A", "10.0.0.2"), True),
        (Claims(frozenset({"e1"}), "0B", "10.0.0.1"), True),
    ],
)
def test_one_serial_number_is_one_peer_unless_name_and_address_differ(other: Claims, expected: bool) -> None:
    one = Claims(frozenset({"e1"}), "0A", "10.0.0.1")

    assert one.contradicts(other, same_container=False) is other.contradicts(one, same_container=False) is expected


def talk(client: tuple[str, int], server: tuple[str, int], number: int, near: bool) -> Talk:
    start = START + number * 10**9 + (0 if near else 10 * MS)
    halves = {"far": 20.0} if near else {"far": 0.0, "near": 20.0}
    return Talk(client, server, start, isn=1000, **halves).open().close()


def test_captures_that_begin_every_connection_at_one_number_show_no_translation(files) -> None:
    there, recovery = (A, B), ((A[0], 30001), (B[0], 4371))
    back = ((B[0], 30002), (A[0], 4372))

    case = captured(
        files,
        [talk(*there, 0, True), talk(*recovery, 1, True), talk(*back, 2, False)],
        [talk(*there, 0, False), talk(*recovery, 1, False), talk(*back, 2, True)],
    )

    rows = case.tables.rows("matched_connections")
    assert len(rows) == 3
    assert not any(row.translated for row in rows)


def test_a_call_back_with_the_same_numbers_is_another_connection(files) -> None:
    case = captured(files, [talk(A, B, 0, True)], [talk((B[0], 30002), (A[0], 4372), 1, True)])

    assert case.tables.rows("matched_connections") == ()


def test_an_address_that_two_peers_have_is_in_the_list_of_both(case_of) -> None:
    """The address used twice is R05's; both peers find themselves in their lists."""
    cluster = healthy(3, type="C")
    lan = cluster.peers[1].ipv4
    listed = (*tuple(p.ipv4 for p in cluster.peers[:2]), lan)
    doubled = tuple(p.changed(ipv4=lan if p is cluster.peers[2] else p.ipv4, peer_list=listed) for p in cluster.peers)

    case = case_of(replace(cluster, peers=doubled))

    assert finding(case, "R05").outcome == VIOLATION
    assert {f.outcome for f in expdiag.check(case, ["E04"])} == {PASS}


def test_an_inconsistent_cluster_settles_whether_starts_were_one_event(case_of) -> None:
    sound = outcomes(case_of(healthy()))

    case = case_of(up("e2", 20024)(uptimes(e1=3600, e2=6000, e3=3500)(healthy())))

    assert changed(sound, outcomes(case)) == {("R15", ALL): VIOLATION}
    assert finding(case, "R15").verdict.at_fault == ("e2",)


def test_appliances_are_never_taken_back_to_an_older_version(case_of) -> None:
    both = [("e2", "52D00002", "CE1100", "X12.5.9"), ("e3", "52E10003", "CE1200", "X12.6.4")]
    cluster = healthy(3, version="X12.5.9")
    for host, serial, platform, version in both:
        cluster = peer(host, serial=serial, hardware="UCSC-C220", platform=platform, version=version)(cluster)

    fix = finding(case_of(cluster), "R50").verdict.fix

    assert "older" in fix
    assert not re.search(r"upgrade e3 to it", fix)
