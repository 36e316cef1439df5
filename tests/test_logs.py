"""The diagnostic log: alarms, changes, replication, clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import expdiag


def test_the_real_cluster_log(real) -> None:
    rows = expdiag.load(real / "samples" / "loggingsnapshot-cluster-x12.txt").dossier.rows

    assert [(a.number, a.state, a.severity) for a in rows["alarms"]] == [
        (20006, "raised", "warning"),
        (20004, "raised", "warning"),
        (20007, "raised", "warning"),
        (20007, "raised", "warning"),
    ]
    assert rows["alarms"][0].time == datetime(2020, 8, 12, 19, 57, 43, 524000, UTC)
    assert [(r.addresses, r.names, r.primary, r.local) for r in rows["replication"]] == [
        (("10.15.13.15", "10.15.13.16"), ("expc01", "expc02"), 1, 2),
        (("10.15.13.15", "10.15.13.16"), ("expc01", "expc02"), 1, 1),
    ]
    changes = [(c.item, c.old, c.new, c.user) for c in rows["configuration_changes"]]
    assert ("clusterConfiguration tls_verify", "Permissive", "Enforcing", "") in changes
    assert ("cluster tls_verify", "Permissive", "Enforcing", "admin") in changes
    assert ("alternatesConfiguration", None, None, "") in changes


def test_the_real_logs_hold_no_line_that_is_not_understood(real) -> None:
    case = expdiag.load(*(real / "samples").glob("loggingsnapshot-*.txt"))

    assert not [issue for issue in case.all_issues if issue.kind == "unrecognised"]


def test_old_stamps_without_milliseconds_and_short_fractions(real) -> None:
    case = expdiag.load(real / "samples" / "loggingsnapshot-misc.txt")

    (alarm,) = case.dossier.rows["alarms"]
    assert (alarm.number, alarm.title) == (15019, "Application failed")
    assert [(e.name, e.detail, e.far_end) for e in case.dossier.rows["events"]] == [
        ("Inbound TLS Negotiation Error", "self signed certificate in certificate chain", "146.20.193.73:58531"),
        ("Alarm Raised", alarm.title + ": " + alarm.detail, ""),
    ]
    assert case.dossier.rows["files"][0].lines == 6


def test_continuation_lines_belong_to_their_record_and_lines_before_the_first_are_issues(files) -> None:
    text = (
        "cut off here\n"
        '2026-05-01T12:00:00.000+00:00 e1 tvcs: UTCTime="2026-05-01 12:00:00,000" Module="network.sip" Level="DEBUG":  '
        'Action="Sent"\n SIPMSG:\n |INVITE sip:x\n |Password: hunter2\n\n'
        '2026-05-01T12:00:01.000+00:00 e1 alarm: Level="INFO" Event="Alarm Lowered" Id="20006" UUID="" '
        'Severity="warning" Detail="Cluster database communication failure: x" UTCTime="2026-05-01 12:00:01,000"\n'
    )

    case = expdiag.load(files({"loggingsnapshot_e1.txt": text}))

    assert [(i.line, i.kind) for i in case.all_issues] == [(1, "unrecognised")]
    assert [(a.number, a.state) for a in case.dossier.rows["alarms"]] == [(20006, "lowered")]
    assert case.as_of == datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC)


def test_secrets_in_logged_changes_are_not_kept(files) -> None:
    text = (
        '2026-05-01T12:00:00.000+00:00 e1 httpd[1]: web: Event="System Configuration Changed" '
        "Detail=\"configuration/smtp/password - changed from: '{cipher}abc' to: '{cipher}def'\" "
        'User="admin" Level="1" UTCTime="2026-05-01 12:00:00"\n'
    )

    case = expdiag.load(files({"log.txt": text}))

    (change,) = case.dossier.rows["configuration_changes"]
    assert "abc" not in str(change)
    assert "def" not in str(change)
    assert "abc" not in case.sources[change.source].text


def test_local_time_with_an_offset_is_turned_into_utc(files) -> None:
    text = '2026-05-01T07:00:00.000-05:00 e1 tvcs: Event="Application Start" Level="1"\n'

    assert expdiag.load(files({"log.txt": text})).as_of == datetime(2026, 5, 1, 12, tzinfo=UTC)
