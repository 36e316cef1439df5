"""Whether the network is reliable while the cluster is formed or changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios import history
from expdiag.scenarios.spec import AS_OF, ClusterSpec, healthy
from tests.judging import changed, finding, outcomes

ALL = ("e1", "e2", "e3")
PAIRS = (("e1", "e2"), ("e1", "e3"), ("e2", "e3"))
START = AS_OF - timedelta(hours=1)
MINUTE = timedelta(minutes=1)
Change = Callable[[ClusterSpec], ClusterSpec]
TWO = healthy(2, name="two")


def changing(cluster: ClusterSpec, start: datetime = START, end: datetime | None = None) -> ClusterSpec:
    """Return the cluster with a peer being added."""
    return cluster.stating("change", kind="adding-peer", start=start, **({"end": end} if end else {}))


def past(*histories: history.History) -> Change:
    return lambda cluster: history.with_history(cluster, *histories)


def ping(sent: int, lost: int, when: datetime | None = None, address: str = "10.0.1.12") -> str:
    """Return what `ping -D` prints, or `ping` without a time."""
    lines = []
    for n in range(1, sent + 1):
        if n % max(sent // lost, 1) == 0 and n // max(sent // lost, 1) <= lost if lost else False:
            continue
        stamp = f"[{when.timestamp() + n:.6f}] " if when else ""
        lines.append(f"{stamp}64 bytes from {address}: icmp_seq={n} ttl=62 time=20.{n % 10} ms")
    received = len(lines)
    loss = 100 * (sent - received) / sent
    return "\n".join(
        [
            f"PING {address} ({address}) 56(84) bytes of data.",
            *lines,
            "",
            f"--- {address} ping statistics ---",
            f"{sent} packets transmitted, {received} received, {loss:g}% packet loss, time {sent}ms",
            "rtt min/avg/max/mdev = 20.0/20.5/20.9/0.1 ms",
            "",
        ]
    )


def probe(sent: int, lost: int, when: datetime | None = None) -> Change:
    return lambda cluster: cluster.with_files({"probes/e1/ping-change.txt": ping(sent, lost, when)})


TRACEPATH = """ 1?: [LOCALHOST]                      pmtu 1500
 1:  10.0.1.1                                              0.412ms
 2:  192.0.2.1                                             8.102ms pmtu 1400
 3:  10.0.1.12                                            14.102ms reached
     Resume: pmtu 1400 hops 3 back 3
"""

# what the log or the probes of two peers say while a peer is added, and what it makes of their path
CASES: dict[str, tuple[Change, str, str]] = {
    "nothing odd in the logs": (lambda c: c, PASS, "show no loss of the other"),
    "an alarm that comes and goes": (
        past({"e2": history.flapping(START + MINUTE, 20006, 4)}),
        VIOLATION,
        "alarm 20006 4 times",
    ),
    "an alarm that names the other": (
        past({"e1": history.flapping(START + MINUTE, 20021, 3, "e2.edge.example.com")}),
        VIOLATION,
        "alarm 20021 3 times",
    ),
    "one alarm that nothing explains": (
        past({"e2": history.raised(START + MINUTE, 20006, minutes=3)}),
        UNKNOWN,
        "nothing in the evidence explains it",
    ),
    "an alarm while the other restarts": (
        past({"e1": history.restarted(START), "e2": history.raised(START + MINUTE, 20006, minutes=5)}),
        PASS,
        "e1 restarted at",
    ),
    "an alarm that stays longer than a restart explains": (
        past({"e1": history.restarted(START), "e2": history.raised(START + MINUTE, 20006, minutes=40)}),
        UNKNOWN,
        "nothing in the evidence explains it",
    ),
    "alarms before the change": (past({"e2": history.flapping(START - 30 * MINUTE, 20006, 4)}), PASS, "no loss"),
    "no probe of many lost": (probe(600, 0, START + MINUTE), PASS, "0 of 600 probes"),
    "a tenth lost": (probe(600, 60, START + MINUTE), VIOLATION, "60 of 600 probes"),
    "a tenth lost, before the change": (probe(600, 60, START - 60 * MINUTE), PASS, "no loss"),
    "a tenth lost, without a clock": (probe(600, 60), VIOLATION, "60 of 600 probes"),
    "one of ten lost": (probe(10, 1, START + MINUTE), PASS, "no loss"),
    "more than an inferred threshold": (probe(1000, 30, START + MINUTE), UNKNOWN, "inferred threshold of 1 %"),
    "a narrow path": (
        lambda c: c.with_files({"probes/e1/tracepath.txt": TRACEPATH}),
        VIOLATION,
        "path MTU of 1400 bytes",
    ),
    "an odd speed": (
        lambda c: c.changed("e2", alarms=(history.alarm(25016),)),
        VIOLATION,
        "alarm 25016 is up on e2",
    ),
    "the database could not be synchronised": (
        lambda c: c.changed("e1", alarms=(history.alarm(20025, "clusterdb@e2.edge.example.com"),)),
        VIOLATION,
        "alarm 20025 is up on e1",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_makes_a_path_reliable(case_of, name: str) -> None:
    change, outcome, words = CASES[name]
    before = outcomes(case_of(changing(TWO)))

    case = case_of(change(changing(TWO)))
    found = finding(case, "R13")

    assert (found.outcome, words in found.verdict.reason) == (outcome, True), found.verdict.reason
    assert bool(found.verdict.want) == (outcome == UNKNOWN)
    assert found.sources
    others = {key for key in changed(before, outcomes(case)) if key[0] != "R13"}
    assert others <= {("R15", ("e1", "e2"))}


def test_without_a_change_nothing_is_judged_but_the_loss_is_mentioned(case_of) -> None:
    case = case_of(probe(600, 60)(TWO))

    assert finding(case, "R13").outcome == NOT_APPLICABLE
    assert "60 of" in finding(case, "R13").verdict.reason


def test_a_probe_without_a_clock_says_nothing_of_a_change_that_is_over(case_of) -> None:
    over = changing(TWO, START - 120 * MINUTE, START)
    found = finding(case_of(probe(600, 60)(over)), "R13")

    assert found.outcome == UNKNOWN
    assert "at a time the output does not show" in found.verdict.reason


def test_without_logs_nobody_knows_whether_a_change_is_under_way(files) -> None:
    dumps = {
        f"{name}.txt": f'*c xConfiguration IP DNS Hostname: "{name}"\n'
        f'*c xConfiguration Ethernet 1 IP V4 Address: "10.0.0.{name[1]}"\n'
        for name in ("e1", "e2")
    }
    found = finding(expdiag.load(files(dumps)), "R13")

    assert found.outcome == UNKNOWN
    assert {want.kind for want in found.verdict.want} == {"log"}


def test_an_alarm_that_names_nobody_counts_for_those_who_lost_each_other(case_of) -> None:
    quarrel = {host: history.flapping(START + MINUTE, 20006, 4) for host in ("e1", "e3")}
    said = outcomes(case_of(past(quarrel)(changing(healthy()))))

    assert (said["R13", PAIRS[1]], said["R13", PAIRS[0]], said["R13", PAIRS[2]]) == (VIOLATION, PASS, PASS)


def test_an_alarm_that_only_one_of_three_reports_leaves_its_pairs_open(case_of) -> None:
    alone = {"e1": history.flapping(START + MINUTE, 20006, 4)}
    said = outcomes(case_of(past(alone)(changing(healthy()))))

    assert (said["R13", PAIRS[0]], said["R13", PAIRS[1]], said["R13", PAIRS[2]]) == (UNKNOWN, UNKNOWN, PASS)


def test_the_database_log_tells_which_peer_was_lost(case_of) -> None:
    records = [
        (
            START + n * 10 * MINUTE,
            f'UTCTime="{START + n * 10 * MINUTE:%Y-%m-%d %H:%M:%S},000" Module="developer.clusterdb.cdb" Level="INFO" '
            'Node="clusterdb@e1.edge.example.com" PID="<0.159.0>" Detail="Processed mnesia_down event from accessible '
            'node" Node="clusterdb@e3.edge.example.com"',
        )
        for n in range(3)
    ]
    said = outcomes(case_of(past({"e1": records})(changing(healthy()))))

    assert (said["R13", PAIRS[0]], said["R13", PAIRS[1]]) == (PASS, VIOLATION)


def test_restarts_that_a_missing_log_may_hide_make_two_alarms_no_violation(case_of, files, tmp_path) -> None:
    twice = changing(past({"e1": history.flapping(START + MINUTE, 20006, 2)})(TWO))
    assert finding(case_of(twice), "R13").outcome == VIOLATION

    alone = ClusterSpec(twice.name, twice.peers[:1], {}, facts=twice.facts)
    assert finding(case_of(alone), "R13").outcome == UNKNOWN


def test_what_an_unknown_asks_for_settles_it(files) -> None:
    """The event log of the web page, put where the want says, tells that nothing is under way."""
    dumps = {
        f"{name}/xconf_dump_{name}.txt": f'*c xConfiguration IP DNS Hostname: "{name}"\n'
        f'*c xConfiguration Ethernet 1 IP V4 Address: "10.0.0.{name[1]}"\n'
        for name in ("e1", "e2")
    }
    before = finding(expdiag.load(files(dumps)), "R13")
    assert [want.place for want in before.verdict.want] == ["e1", "e2"]

    event = '2026-05-01 10:00:00 tvcs: Event="Call Connected" Level="1" UTCTime="2026-05-01 08:00:00"\n'
    logs = {f"{name}/eventlog_{name}.txt": event for name in ("e1", "e2")}
    assert all(any(path in want.text for path in logs) for want in before.verdict.want)
    case = expdiag.load(files({**dumps, **logs}))

    assert finding(case, "R13").outcome == finding(case, "R14").outcome == NOT_APPLICABLE
