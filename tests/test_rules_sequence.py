"""Versions while upgrading, the order of procedures, and which peer starts first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios import history
from expdiag.scenarios.spec import AS_OF, ClusterSpec, healthy
from tests.judging import changed, outcomes

ALL = ("e1", "e2", "e3")
PAIRS = (("e1", "e2"), ("e1", "e3"), ("e2", "e3"))
START = AS_OF - timedelta(hours=6)
MINUTE = timedelta(minutes=1)
Change = Callable[[ClusterSpec], ClusterSpec]


def past(*histories: history.History) -> Change:
    return lambda cluster: history.with_history(cluster, *histories)


def up(host: str, number: int, peers: str = "") -> Change:
    return lambda cluster: cluster.changed(host, alarms=(history.alarm(number, peers),))


def version(**versions: str) -> Change:
    def change(cluster: ClusterSpec) -> ClusterSpec:
        for host, text in versions.items():
            cluster = cluster.changed(host, version=text)
        return cluster

    return change


def both(*changes: Change) -> Change:
    def change(cluster: ClusterSpec) -> ClusterSpec:
        for one in changes:
            cluster = one(cluster)
        return cluster

    return change


def upgrading(cluster: ClusterSpec) -> ClusterSpec:
    return cluster.stating("change", kind="upgrading", start=AS_OF - timedelta(hours=2))


def uptimes(**seconds: int) -> Change:
    def change(cluster: ClusterSpec) -> ClusterSpec:
        for host, uptime in seconds.items():
            cluster = cluster.changed(host, uptime=uptime)
        return cluster

    return change


def listing(host: str, *records: history.Record) -> history.History:
    return {host: list(records)}


H = healthy()
LISTED = H.peers[0].peer_list
FORMED = history.formed(H, START)
WINDOW = {("R14", ALL): PASS, **{("R13", pair): PASS for pair in PAIRS}}
LATER = {("R15", ALL): NOT_APPLICABLE}
WRONG = {**WINDOW, ("R14", ALL): VIOLATION}


def both_at_once() -> history.History:
    """Two peers are added on the primary one after the other, without a restart of the first."""
    wrong = history.formed(H, START)
    wrong["e1"] = [
        *history.formed(H, START)["e1"][:5],
        history.listed(START + 20 * MINUTE, 2, LISTED[1]),
        history.listed(START + 22 * MINUTE, 3, LISTED[2]),
    ]
    wrong["e2"] = [
        *[history.listed(START + timedelta(minutes=25, seconds=n), n, text) for n, text in enumerate(LISTED, start=1)],
        *history.restarted(START + 26 * MINUTE),
    ]
    wrong["e3"] = [
        *[history.listed(START + timedelta(minutes=35, seconds=n), n, text) for n, text in enumerate(LISTED, start=1)],
        *history.restarted(START + 36 * MINUTE),
    ]
    return wrong


def joined_first() -> history.History:
    """e3 gets the list and is restarted before the primary lists it."""
    wrong = history.formed(H, START)
    late = START + 70 * MINUTE
    for host in ("e1", "e2"):
        wrong[host] = [record for record in wrong[host] if LISTED[2] not in record[1]]
        wrong[host].append(history.listed(late, 3, LISTED[2]))
        late += MINUTE
    return wrong


ALONE_FORGOTTEN = listing(
    "e1", *[history.listed(START + timedelta(seconds=n), n, text) for n, text in enumerate(LISTED, start=1)]
)

# what is changed in the healthy cluster; the outcomes that become others; who is at fault
FAULTS: dict[str, tuple[Change, dict[tuple[str, tuple[str, ...]], str], tuple[str, ...]]] = {
    "R03 upgraded as it should": (both(version(e3="X14.3.3"), upgrading), {}, ()),
    "R03 no upgrade": (
        version(e3="X14.3.3"),
        {("R02", ALL): VIOLATION, ("R03", ALL): VIOLATION},
        ("e3",),
    ),
    "R03 a subordinate first": (
        both(version(e1="X14.3.3", e3="X14.3.3"), upgrading),
        {("R03", ALL): VIOLATION},
        ("e2",),
    ),
    "R03 a subordinate first, says the device": (
        both(version(e1="X14.3.3", e3="X14.3.3"), up("e1", 20008)),
        {("R03", ALL): VIOLATION},
        ("e2",),
    ),
    "R03 logs of an upgrade in order": (
        past(
            {
                host: history.upgraded(START + 40 * n * MINUTE, "X14.0.7", "X14.3.4")
                for n, host in enumerate(("e1", "e2", "e3"))
            }
        ),
        {},
        (),
    ),
    "R03 logs of an upgrade that began with a subordinate": (
        past(
            {
                host: history.upgraded(START + 40 * n * MINUTE, "X14.0.7", "X14.3.4")
                for n, host in enumerate(("e2", "e1", "e3"))
            }
        ),
        {("R03", ALL): VIOLATION},
        ("e2",),
    ),
    "R14 formed in order": (past(FORMED), {**WINDOW, **LATER}, ()),
    "R14 two peers at once": (past(both_at_once()), {**WRONG, **LATER}, ("e1",)),
    "R14 not alone first": (
        past(ALONE_FORGOTTEN),
        {("R14", ALL): VIOLATION, **{("R13", pair): UNKNOWN for pair in PAIRS}},
        ("e1",),
    ),
    "R14 joined before it was listed": (past(joined_first()), {**WRONG, **LATER}, ("e3",)),
    "R14 enforced in order": (past(history.enforced(H, START)), {**WINDOW, **LATER}, ()),
    "R14 enforced, the primary restarted last": (
        past(history.enforced(H, START, ("e2", "e3", "e1"))),
        {**WRONG, **LATER},
        ("e2", "e3"),
    ),
    "R14 a new primary in order": (past(history.primary_changed(START, ("e1", "e2", "e3"), 2, 1)), WINDOW, ()),
    "R14 a new primary told last": (
        past(history.primary_changed(START, ("e2", "e1", "e3"), 2, 1)),
        WRONG,
        ("e2",),
    ),
    "R14 names in order": (past(history.renamed(H, START)), {**WINDOW, **LATER}, ()),
    "R14 names without restarts": (past(history.renamed(H, START, restart=False)), WRONG, ALL),
    "R14 a restart is left undone": (
        past({"e2": history.raised(START, 20007)}),
        {("R14", ALL): VIOLATION},
        ("e2",),
    ),
    "R14 a restart is still to do": (up("e2", 20007), {("R14", ALL): PASS}, ()),
    "R14 an inconsistent cluster": (up("e3", 20024), {("R14", ALL): VIOLATION}, ("e3",)),
    "R15 all at once, the primary first": (past(history.restarted_all(START, ("e1", "e2", "e3"))), {}, ()),
    "R15 all at once, another first": (
        past(history.restarted_all(START, ("e2", "e1", "e3"))),
        {("R15", ALL): VIOLATION},
        ("e2",),
    ),
    "R15 another first, and inconsistent": (
        both(past(history.restarted_all(START, ("e2", "e3", "e1"))), up("e3", 20024)),
        {("R15", ALL): VIOLATION},
        ("e2", "e3"),
    ),
    "R15 uptimes, the primary first": (uptimes(e1=4000, e2=3700, e3=3500), {}, ()),
    "R15 uptimes, another first": (
        uptimes(e1=3600, e2=3900, e3=3500),
        {("R15", ALL): VIOLATION},
        ("e2",),
    ),
    "R15 uptimes of one event or not": (uptimes(e1=3600, e2=6000, e3=3500), LATER, ()),
    "R15 uptimes of one event or not, and a conflict": (
        both(uptimes(e1=3600, e2=6000, e3=3500), up("e2", 20011)),
        {("R15", ALL): UNKNOWN},
        (),
    ),
    "R15 restarted by themselves": (uptimes(e1=3600), LATER, ()),
    "R15 one by one": (
        past({host: history.restarted(START + 8 * n * MINUTE) for n, host in enumerate(("e2", "e3", "e1"))}),
        LATER,
        (),
    ),
    "R15 a conflict nothing explains": (
        both(uptimes(e1=3600), up("e2", 20011)),
        {("R15", ALL): UNKNOWN},
        (),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_its_rules_and_no_other(case_of, name: str) -> None:
    change, expected, at_fault = FAULTS[name]
    sound = outcomes(case_of(H))

    case = case_of(change(H))

    assert changed(sound, outcomes(case)) == expected
    assert {who for f in expdiag.check(case) for who in f.verdict.at_fault} == set(at_fault)


def test_the_healthy_cluster_has_no_procedure_and_started_in_order(case_of) -> None:
    said = outcomes(case_of(H))

    assert (said["R03", ALL], said["R14", ALL], said["R15", ALL]) == (PASS, NOT_APPLICABLE, PASS)
    assert {said["R13", pair] for pair in PAIRS} == {NOT_APPLICABLE}
