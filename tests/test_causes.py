"""Likely causes: what explains what."""

from __future__ import annotations

from pathlib import Path

import pytest

import expdiag
from expdiag import causes, knowledge
from expdiag.findings import Finding, Findings, Subject, Symptom, Verdict
from expdiag.knowledge import requirements
from expdiag.scenarios.spec import AlarmSpec, ClusterSpec, healthy
from expdiag.scenarios.write import write_case

ALL = ("e1", "e2", "e3")
IDS = {known.rule: known for known in requirements()}
NOT_REPLICATING = AlarmSpec(20006, "0f96695e-d954-4f6f-85c1-2ef1eae6f764", "Cluster database communication failure", "")


def broken(rule: str, *peers: str, at_fault: tuple[str, ...] = ()) -> Finding:
    known = IDS[rule]
    subject = Subject(known.each, peers or ALL)
    verdict = Verdict("violation", f"{rule} is broken", fix="1. first\n2. second", at_fault=at_fault, log_in=at_fault)
    return Finding(known, subject, verdict, ())


def alarm(number: int, peer: str) -> Symptom:
    entry = next(row for row in knowledge.load("alarms")["alarm"] if row["number"] == number)
    return Symptom(peer, number, entry["title"], 1, tuple(entry["speaks_of"]), ())


def ranked(*found: Finding, symptoms: tuple[Symptom, ...] = ()) -> list[tuple[str, int, list[str]]]:
    findings = Findings(found, "case", None, (), symptoms)
    return [
        (c.first.requirement.rule, len(c.symptoms), [f.requirement.rule for f in c.follows])
        for c in causes.causes(findings)
    ]


def test_what_explains_an_alarm_comes_first() -> None:
    found = ranked(
        broken("system-names-distinct"),
        broken("h323-mode-on", "e2", at_fault=("e2",)),
        symptoms=(alarm(20018, "e2"),),
    )
    assert found == [("h323-mode-on", 1, []), ("system-names-distinct", 0, [])]


def test_an_alarm_about_a_peer_itself_is_not_explained_by_another() -> None:
    found = ranked(broken("h323-mode-on", "e1", at_fault=("e1",)), symptoms=(alarm(20018, "e2"),))
    assert found == [("h323-mode-on", 0, [])]


def test_an_alarm_about_a_link_is_explained_by_a_fault_at_its_far_end() -> None:
    found = ranked(broken("certificate-valid", "e3", at_fault=("e3",)), symptoms=(alarm(20006, "e1"),))
    assert found == [("certificate-valid", 1, [])]


def test_what_follows_is_grouped_under_its_cause() -> None:
    found = ranked(
        broken("required-ports-open", "e1", "e3", at_fault=("e3",)),
        broken("replicated-settings-agree", at_fault=("e3",)),
        broken("firewall-rules-allow-peers", "e3", at_fault=("e3",)),
    )
    assert found == [("firewall-rules-allow-peers", 0, ["required-ports-open", "replicated-settings-agree"])]


def test_faults_of_different_peers_do_not_follow_from_each_other() -> None:
    found = ranked(
        broken("dns-servers-configured", "e1", at_fault=("e1",)), broken("dns-forward-tms", "e2", at_fault=("e2",))
    )
    assert len(found) == 2


def test_a_recommendation_is_no_cause() -> None:
    assert ranked(broken("certificate-san-has-peer-fqdn", "e1")) == []


def test_the_opening_has_three_lines() -> None:
    findings = Findings(
        [broken("h323-mode-on", "e2", at_fault=("e2",)), broken("system-names-distinct")],
        "case",
        None,
        (),
        (alarm(20018, "e2"),),
    )
    assert causes.opening(findings) == (
        "Broken: Invalid clustering configuration (alarm 20018) on e2",
        "Why: e2: h323-mode-on is broken (R26); 1 more below",
        "First: first (log in to e2)",
    )


def test_arrows_between_causes_name_rules_and_never_turn_in_a_circle() -> None:
    entries = knowledge.load("causes")["cause"]
    for entry in entries:
        assert {entry["rule"], *entry["leads_to"]} <= IDS.keys()
        assert entry["rule"] not in causes._consequences(entry["rule"])
        for other in causes._consequences(entry["rule"]):
            assert entry["rule"] not in causes._consequences(other), (entry["rule"], other)
    assert len({entry["rule"] for entry in entries}) == len(entries)
    named = [rule for table in ("alarms",) for row in knowledge.load(table)["alarm"] for rule in row["speaks_of"]]
    named += [rule for row in knowledge.load("causes")["log"].values() for rule in row["speaks_of"]]
    assert set(named) <= IDS.keys()


def judged(cluster: ClusterSpec, folder: Path) -> Findings:
    write_case(cluster, folder)
    return expdiag.check(expdiag.load(folder))


def test_a_case_with_one_fault_opens_with_it(tmp_path: Path) -> None:
    cluster = healthy().changed("e2", version="X14.3.3", alarms=(NOT_REPLICATING,))
    broken_line, why, first = causes.opening(judged(cluster, tmp_path))
    assert broken_line == "Broken: Cluster database communication failure (alarm 20006) on e2"
    assert "X14.3.3 on e2" in why
    assert "log in to e2" in first


def test_an_alarm_nothing_explains_asks_for_what_would(tmp_path: Path) -> None:
    cluster = healthy().changed("e2", alarms=(NOT_REPLICATING,))
    findings = judged(cluster, tmp_path)
    if not causes.causes(findings):
        assert causes.opening(findings)[0].startswith("Reported: Cluster database communication failure")


@pytest.mark.parametrize("size", [1, 3])
def test_a_healthy_case_opens_with_nothing(tmp_path: Path, size: int) -> None:
    assert causes.opening(judged(healthy(size), tmp_path)) == ()
