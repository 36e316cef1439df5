"""Configurations held against each other: what differs, what only looks so, and what E15 says of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.intake.secrets import MASK
from expdiag.model.drift import replication
from expdiag.model.drift.comparison import drift
from expdiag.scenarios import exports
from expdiag.scenarios.spec import AS_OF, AlarmSpec, ClusterSpec, healthy
from expdiag.scenarios.write import bundle, case_toml
from tests.judging import changed, finding, outcomes
from tests.test_staleness import LATER, change

ALL = ("e1", "e2", "e3")


def with_settings(everybody: Mapping[str, str], **peers: Mapping[str, str]) -> ClusterSpec:
    """Return the healthy cluster with further settings: of all peers, then in place of those of some of them."""
    cluster = healthy()
    return replace(
        cluster, peers=tuple(p.changed(settings={**everybody, **peers.get(p.host_name, {})}) for p in cluster.peers)
    )


def zone(number: int, name: str, **leaves: str) -> dict[str, str]:
    """Return a zone as settings."""
    rest = {"Type": "Neighbor", "HopCount": "15", "Neighbor Peer 1 Address": "10.9.9.9", **leaves}
    return {f"Zones Zone {number} {key.replace('__', ' ')}": value for key, value in {"Name": name, **rest}.items()}


def members(files: Callable, cluster: ClusterSpec, keep: Callable[[str, str], bool]) -> expdiag.Case:
    """Load a cluster with some members of its bundles: those for which `keep(host, name)` holds."""
    contents: dict[str, bytes | str] = {"case.toml": case_toml(cluster)}
    for peer in cluster.peers:
        for name, content in bundle(peer, cluster).items():
            if keep(peer.host_name, name):
                contents[f"{peer.host_name}/{name}"] = content
    return expdiag.load(files(contents))


# settings of all peers, of e2 alone, and what differs then by where it stands
DIFFERENT = {
    "a setting": ({"SIP TCP Port": "5060"}, {"SIP TCP Port": "5070"}, {"SIP TCP Port"}),
    "the IP protocol": ({}, {"IPProtocol": "Both"}, {"IPProtocol"}),
    "a zone's leaf": (zone(1, "A"), zone(1, "A", HopCount="7"), {'Zones Zone "A" HopCount'}),
    "a zone at another place": (
        zone(1, "A"),
        {f"Zones Zone 1 {rest}": "" for rest in ("Name", "Type", "HopCount", "Neighbor Peer 1 Address")}
        | zone(5, "A", HopCount="7"),
        {'Zones Zone "A" HopCount'},
    ),
    "one zone more": (zone(1, "A"), zone(2, "B"), {'Zones Zone "B"'}),
    "another neighbour in a zone": (
        zone(1, "A"),
        zone(1, "A", Neighbor__Peer__2__Address="10.9.9.8"),
        {'Zones Zone "A" Neighbor Peer 2 Address'},
    ),
    "a password that is not set": (
        zone(1, "A", TraversalClient__Authentication__Password="secret"),
        zone(1, "A", TraversalClient__Authentication__Password=""),
        {'Zones Zone "A" TraversalClient Authentication Password'},
    ),
    "letter case": ({"SIP Domain 1 Name": "example.com", "SIP Domain 1 Edge": "On"}, {"SIP Domain 1 Edge": "on"}, None),
}


@pytest.mark.parametrize("form", ["both", "xml", "txt"])
@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_found_where_it_stands(files, name: str, form: str) -> None:
    everybody, odd, expected = DIFFERENT[name]
    cluster = with_settings(everybody, e2=odd)
    case = members(files, cluster, lambda _, member: form in ("both", member[-3:]) or not member.startswith("xconf"))
    found = finding(case, "E15")

    shown = {one.where for one in case.cluster.view(drift).differences}
    assert shown == (expected or {'SIP Domain "example.com" Edge'})
    assert found.outcome == VIOLATION
    assert found.verdict.at_fault == ("e2",)
    assert all(where in found.verdict.reason for where in shown)
    assert all(source.text for source in found.sources)
    assert MASK in found.verdict.reason or "secret" not in found.verdict.reason


THE_SAME = {
    "zones in another order": (zone(1, "A") | zone(2, "B"), zone(1, "B") | zone(2, "A")),
    "another password": (
        zone(1, "A", TraversalClient__Authentication__Password="one"),
        zone(1, "A", TraversalClient__Authentication__Password="two"),
    ),
    "what is each peer's own": (
        {
            "SNMP SystemContact": "a",
            "Log Level": "1",
            "IP Route 1 Address": "10.0.0.0",
            "SystemUnit Maintenance Mode": "On",
        },
        {
            "SNMP SystemContact": "b",
            "Log Level": "2",
            "IP Route 1 Address": "10.8.0.0",
            "Administration SSH Mode": "Off",
        },
    ),
    "identifiers and moments": (
        {"XCP Config Uuid": "a", "XCP Config Revision": "7", "XCP Since": "2026-01-01 10:00:00"},
        {"XCP Config Uuid": "b", "XCP Config Revision": "9", "XCP Since": "2026-02-01 10:00:00"},
    ),
    "its own name": ({}, {}),
    "a setting that is not printed": ({"XCP Config FcmService": "On"}, {}),
    "a firewall rule": ({"FirewallRules Rule 1 Address": "10.0.0.1"}, {"FirewallRules Rule 1 Address": "10.0.0.2"}),
}


@pytest.mark.parametrize("name", THE_SAME)
def test_what_only_looks_different_is_no_drift(case_of, name: str) -> None:
    everybody, odd = THE_SAME[name]
    cluster = with_settings(everybody, e2=odd)
    if name == "its own name":
        cluster = replace(
            healthy(), peers=tuple(p.changed(settings={"XCP Realm": f"x.{p.fqdn}"}) for p in healthy().peers)
        )
    if name == "a setting that is not printed":
        cluster = healthy().changed("e1", settings=everybody)
    case = case_of(cluster)

    assert finding(case, "E15").outcome == PASS, finding(case, "E15").verdict.reason
    assert ("silent" in finding(case, "E15").verdict.reason) == (name == "a firewall rule")


def test_drift_changes_no_other_rule_and_only_e15_where_it_is_nobody_elses(case_of) -> None:
    sound = outcomes(case_of(healthy()))
    case = case_of(with_settings({}, e3={"SIP TLS Port": "5063"}))
    assert changed(sound, outcomes(case)) == {("E15", ALL): VIOLATION}

    case = case_of(healthy().changed("e3", h323="Off"))
    assert changed(sound, outcomes(case)) == {("R26", ("e3",)): VIOLATION}
    assert "see R26" in finding(case, "E15").verdict.reason


def test_without_a_configuration_nothing_is_said_of_a_peer_and_the_wants_settle_it(files) -> None:
    case = members(files, healthy(), lambda host, name: host != "e2" or not name.startswith("xconf"))
    found = finding(case, "E15")

    assert found.outcome == UNKNOWN
    assert [want.place for want in found.verdict.want] == ["e2"]
    written = exports.xml("Configuration", exports.configuration(healthy().peers[1]), "X14.3.4")
    folder = files({"e2/configuration.xml": written})
    assert finding(expdiag.load(folder), "E15").outcome == PASS


def test_what_differs_is_a_violation_even_if_another_peer_is_silent(files) -> None:
    cluster = with_settings({}, e3={"SIP TLS Port": "5063"})
    case = members(files, cluster, lambda host, name: host != "e2" or not name.startswith("xconf"))

    assert finding(case, "E15").outcome == VIOLATION
    assert finding(case, "E15").verdict.at_fault == ("e3",)


def test_a_cluster_of_one_has_nothing_to_compare(case_of) -> None:
    assert finding(case_of(healthy(1)), "E15").outcome == NOT_APPLICABLE


@pytest.mark.parametrize(("odd", "outcome"), [({}, PASS), ({"SIP TLS Port": "5063"}, VIOLATION)])
def test_peers_that_share_no_form_are_compared_by_what_both_print(files, odd: dict[str, str], outcome: str) -> None:
    cluster = with_settings(zone(1, "A"), e2={**odd, "XCP Only Text": "x"})
    kept = {"e1": "xml", "e2": "txt", "e3": "xml"}
    case = members(files, cluster, lambda host, name: not name.startswith("xconf") or name.endswith(kept[host]))

    assert finding(case, "E15").outcome == outcome


def test_a_difference_between_forms_is_told_once_with_all_peers_as_they_print_it(files) -> None:
    kept = {"e1": ("xml",), "e2": ("txt",), "e3": ("xml", "txt")}
    both = zone(1, "A") | {"SIP TCP Port": "5060"}
    cluster = with_settings(both | zone(2, "B"), e2={"SIP TCP Port": "5070"})
    cluster = cluster.changed("e2", settings=both | {"SIP TCP Port": "5070"})
    case = members(files, cluster, lambda host, name: not name.startswith("xconf") or name[-3:] in kept[host])

    assert [one.where for one in case.cluster.view(drift).differences] == ["SIP TCP Port", 'Zones Zone "B"']
    verdict = finding(case, "E15").verdict
    assert 'Zones Zone "B": there on e1 and e3, not there on e2' in verdict.reason
    assert verdict.at_fault == ("e2",)


def test_an_upgrade_under_way_leaves_it_open(case_of) -> None:
    off = "Automatic replication of configuration has been temporarily disabled because an upgrade is in progress"
    cluster = with_settings({}, e3={"SIP TLS Port": "5063"})
    cluster = cluster.changed("e3", alarms=(AlarmSpec(20008, "", "Cluster replication error", off),))

    assert finding(case_of(cluster), "E15").outcome == UNKNOWN


def test_where_the_xml_is_cut_the_text_counts(files) -> None:
    cluster = with_settings({}, e3={"SIP TLS Port": "5063"})
    contents: dict[str, bytes | str] = {"case.toml": case_toml(cluster)}
    for peer in cluster.peers:
        for name, content in bundle(peer, cluster).items():
            cut = name.startswith("xconf") and name.endswith(".xml") and peer.host_name == "e3"
            contents[f"{peer.host_name}/{name}"] = content[: len(content) // 3] if cut else content

    assert finding(expdiag.load(files(contents)), "E15").outcome == VIOLATION


def test_answers_of_the_rest_api_are_compared_too(files) -> None:
    rule = '[{{"Priority": 50, "Name": "out", "TargetName": "{}"}}]'
    contents = {f"rest/e{n}/provisioning/common/searchrule.json": rule.format("cucm") for n in (1, 2)}
    contents["rest/e3/provisioning/common/searchrule.json"] = rule.format("elsewhere")
    case = members(files, healthy(), lambda *_: True)
    case = expdiag.load(files(contents))

    assert finding(case, "E15").outcome == VIOLATION
    assert finding(case, "E15").verdict.at_fault == ("e3",)


def test_a_change_that_the_log_shows_mends_a_dump_and_is_said(case_of) -> None:
    cluster = with_settings({}, e2={"SIP TLS Port": "5063"}).changed(
        "e2", events=(change("SIP TLS Port", "5063", "5061"),)
    )
    found = finding(case_of(cluster), "E15")

    assert found.outcome == PASS
    assert "stale" in found.verdict.reason


def of_two_times(files: Callable, old: ClusterSpec, new: ClusterSpec, newer: str) -> expdiag.Case:
    """Load a cluster of which one peer was exported later than the others."""
    contents: dict[str, bytes | str] = {"case.toml": case_toml(new)}
    for peer in old.peers:
        cluster = new if peer.host_name == newer else old
        own = next(own for own in cluster.peers if own.host_name == peer.host_name)
        contents |= {f"{own.host_name}/{name}": content for name, content in bundle(own, cluster).items()}
    return expdiag.load(files(contents))


def test_a_dump_before_a_change_on_another_peer_settles_nothing(files) -> None:
    logged = change("SIP TLS Port", "5061", "5063", AS_OF + timedelta(hours=1))
    new = with_settings({}, e1={"SIP TLS Port": "5063"}).changed("e1", events=(logged,))
    new = replace(new, as_of=AS_OF + timedelta(hours=3))
    found = finding(of_two_times(files, healthy(), new, "e1"), "E15")

    assert found.outcome == UNKNOWN
    assert "e2 and e3 is older than a change" in found.verdict.reason


def test_a_change_after_all_dumps_says_nothing_of_the_others(case_of) -> None:
    cluster = healthy().changed("e1", events=(change("SIP TLS Port", "5061", "5063", LATER),))

    assert finding(case_of(cluster), "E15").outcome == PASS


def test_exports_that_lie_days_apart_settle_nothing(files) -> None:
    new = replace(with_settings({}, e2={"SIP TLS Port": "5063"}), as_of=AS_OF + timedelta(days=3))
    found = finding(of_two_times(files, healthy(), new, "e2"), "E15")

    assert found.outcome == UNKNOWN
    assert "72 hours apart" in found.verdict.reason


def test_forcing_the_configuration_is_only_a_last_step_on_a_subordinate_of_a_sound_primary(case_of) -> None:
    drifted = with_settings({}, e2={"SIP TLS Port": "5063"})
    fix = finding(case_of(drifted), "E15").verdict.fix
    assert "e2 only, never on e1: xCommand ForceConfigUpdate" in fix.splitlines()[-1]

    alarm = AlarmSpec(20006, "", "Cluster database communication failure", "x")
    assert "Force" not in finding(case_of(drifted.changed("e1", alarms=(alarm,))), "E15").verdict.fix
    everybody_else = with_settings({"SIP TLS Port": "5063"}, e1={"SIP TLS Port": "5061"})
    blamed = finding(case_of(everybody_else), "E15").verdict
    assert blamed.at_fault == ("e2", "e3")


def test_every_path_of_the_reference_has_one_kind(real) -> None:
    rows = (real / "samples" / "xconfiguration-reference-x15.0.tsv").read_text().splitlines()
    paths = [row.split("\t")[0].replace("[1..6]", "1") for row in rows]
    kinds = {path: replication.kind(path) for path in paths}

    assert kinds["SIP Mode"] == kinds["Zones Zone [1..1000] Name"] == kinds["IPProtocol"] == replication.REPLICATES
    assert kinds["IP DNS SearchDomains"] == kinds["Ethernet [1..2] Speed"] == replication.PEER_SPECIFIC
    assert kinds["Alternates Peer 1 Address"] == replication.PEER_SPECIFIC
    assert kinds["Administration DeviceProvisioning"] == replication.REPLICATES
    assert sum(kind == replication.REPLICATES for kind in kinds.values()) > 450


def test_order_of_files_and_names_of_peers_do_not_matter(files) -> None:
    cluster = with_settings(zone(1, "A") | zone(2, "B"), e2=zone(1, "B") | zone(2, "A", HopCount="3"))
    said = finding(members(files, cluster, lambda *_: True), "E15").verdict
    renamed = [(f"{9 - n}", peer) for n, peer in enumerate(cluster.peers)]
    contents: dict[str, bytes | str] = {"case.toml": case_toml(cluster)}
    for folder, peer in renamed:
        contents |= {f"z{folder}/{name}": content for name, content in bundle(peer, cluster).items()}
    again = finding(expdiag.load(files(contents)), "E15").verdict

    assert (said.reason, said.at_fault, said.fix) == (again.reason, again.at_fault, again.fix)


def test_six_ordinary_dumps_take_milliseconds(case_of) -> None:
    chance = random.Random(3)
    many = {f"XCP Part{n} Value{n}": str(chance.random()) for n in range(600)}
    cluster = healthy(6)
    cluster = replace(cluster, peers=tuple(p.changed(settings=many) for p in cluster.peers))
    case = case_of(cluster.changed("e4", settings={**many, "XCP Part7 Value7": "x"}))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        found = drift(case.cluster)
        times.append(time.perf_counter() - start)

    assert [one.where for one in found.differences] == ["XCP Part7 Value7"]
    assert min(times) < 0.05  # a few milliseconds, on a machine that does nothing else
