"""Dumps that are older than a logged change of the same setting: which value counts, and that a finding says so."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

import expdiag
from expdiag.findings import PASS, VIOLATION
from expdiag.model.drift.staleness import stale
from expdiag.rules.engine import with_stale_evidence
from expdiag.scenarios.spec import AS_OF, ClusterSpec, healthy
from expdiag.scenarios.write import bundle, case_toml
from tests.judging import changed, finding, outcomes

LATER, EARLIER = AS_OF + timedelta(minutes=5), AS_OF - timedelta(minutes=5)


def change(item: str, old: str, new: str, when: datetime = LATER) -> tuple[datetime, str]:
    """Return a record of a change of the configuration, as the clustered database logs it."""
    clock = f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03d}"
    return when, (
        f'UTCTime="{clock}" Event="System Configuration Changed" Node="clusterdb@e2" PID="<0.345.0>" '
        f'Detail="xconfiguration {item} - changed from: {old} to: {new}"'
    )


def by_web(item: str, old: str, new: str, when: datetime = LATER) -> tuple[datetime, str]:
    """Return a record of a change that was made in the web interface."""
    return when, (
        f'httpd[15060]: web: Event="System Configuration Changed" Detail="configuration/{item} - changed from: '
        f'\'{old}\' to: \'{new}\'" Src-ip="10.15.13.30" User="admin" Level="1" UTCTime="{when:%Y-%m-%d %H:%M:%S}"'
    )


def with_change(*events: tuple[datetime, str], **fields: object) -> ClusterSpec:
    """Return the healthy cluster with records in the log of e2."""
    return healthy().changed("e2", events=events, **fields)


@pytest.mark.parametrize("record", [change("H323 Mode", "On", "Off"), by_web("h323/mode", "On", "Off")])
def test_a_change_after_the_dump_counts_and_is_said(case_of, record: tuple[datetime, str]) -> None:
    found = finding(case_of(with_change(record)), "R26", "e2")

    assert found.outcome == VIOLATION
    assert "stale evidence: H323 Mode of e2 was dumped at 2026-05-01 12:00:00 UTC" in found.verdict.reason
    assert "changed to Off at 2026-05-01 12:05:00 UTC" in found.verdict.reason
    assert any("loggingsnapshot" in source.file for source in found.sources)


def test_a_fault_that_was_mended_after_the_dump_is_none(case_of) -> None:
    found = finding(case_of(with_change(change("H323 Mode", "Off", "On"), h323="Off")), "R26", "e2")

    assert found.outcome == PASS
    assert "stale evidence" in found.verdict.reason


@pytest.mark.parametrize(
    "record",
    [
        change("H323 Mode", "Off", "On", EARLIER),
        change("H323 Mode", "Off", "On"),
        change("h323 mode", "0", "true"),
        change("H323 Mode password", "x", "y"),
        change("zones zone", "On", "Off"),
    ],
    ids=["before the dump", "the same value", "the same in other words", "another", "a table alone"],
)
def test_nothing_is_stale_where_the_dump_is_right(case_of, record: tuple[datetime, str]) -> None:
    sound = outcomes(case_of(healthy()))
    case = case_of(with_change(record))

    assert not changed(sound, outcomes(case))
    assert not case.cluster.view(stale)
    assert not any("stale" in found.verdict.reason for found in expdiag.check(case))


def test_the_newest_change_counts_whatever_the_order_of_records(case_of) -> None:
    twice = (change("H323 Mode", "On", "Off"), change("H323 Mode", "Off", "On", LATER + timedelta(minutes=1)))

    assert finding(case_of(with_change(*twice)), "R26", "e2").outcome == PASS
    assert finding(case_of(with_change(*twice[::-1])), "R26", "e2").outcome == PASS


def test_without_a_status_dumps_are_as_old_as_the_beginning_of_the_log(files) -> None:
    cluster = with_change(change("H323 Mode", "On", "Off", AS_OF - timedelta(minutes=2)))
    contents: dict[str, bytes | str] = {"case.toml": case_toml(cluster)}
    for peer in cluster.peers:
        for name, content in bundle(peer, cluster).items():
            if not name.startswith("xstat"):
                contents[f"{peer.host_name}/{name}"] = content

    found = finding(expdiag.load(files(contents)), "R26", "e2")

    assert found.outcome == VIOLATION
    assert "dumped at 2026-05-01 11:52:00 UTC" in found.verdict.reason


def test_a_finding_that_rests_on_any_stale_setting_says_so(case_of) -> None:
    case = case_of(with_change(change("zones zone 3 hopcount", "15", "7"), settings={"Zones Zone 3 HopCount": "15"}))
    row = next(row for row in case.dossier.rows["settings"] if row.path == "Zones Zone 3 HopCount")
    verdict = finding(case, "R26", "e2").verdict

    told = with_stale_evidence(expdiag.findings.Verdict(PASS, "fine", evidence=(row.source,)), case.cluster)

    assert "Zones Zone 3 HopCount of e2" in told.reason
    assert "changed to 7" in told.reason
    assert with_stale_evidence(verdict, case.cluster) == verdict


def test_secrets_of_a_change_are_never_shown(case_of) -> None:
    password = "Zones Zone 3 TraversalClient Authentication Password"
    case = case_of(with_change(change(password, "hunter1", "hunter2"), settings={password: "hunter1"}))

    assert not case.cluster.view(stale)
    assert "hunter2" not in repr([found.verdict for found in expdiag.check(case)])


@pytest.mark.parametrize(
    "item", ["clusterConfiguration cluster_name", "cluster cluster_name", "alternates clusterName"]
)
def test_a_field_may_have_another_name_in_the_log(case_of, item: str) -> None:
    cluster = healthy()
    right = cluster.peers[0].cluster_name
    found = finding(case_of(cluster.changed("e2", events=(change(item, right, "other"),))), "E02")

    assert found.outcome == VIOLATION
    assert "Alternates Cluster Name of e2" in found.verdict.reason
    assert "other on e2" in found.verdict.reason
