"""The diagnostic log: alarms, changes, replication, clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import expdiag
from expdiag.scenarios import authority


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


def record(time: str, host: str, rest: str, clock: str | None = None) -> str:
    utc = f' UTCTime="{clock or time.replace("T", " ")},000"'
    return f"{time}.000+00:00 {host} {rest}{utc}\n"


CHANGED = 'Event="System Configuration Changed" Node="clusterdb@{0}" Detail="xconfiguration {1}"'


def test_every_event_is_a_row_whatever_its_name(files) -> None:
    text = record(
        "2026-05-01T10:00:00",
        "e1",
        'tvcs: Event=" Inbound TLS Negotiation Error " Service="SIP" Src-ip="10.0.1.9" Src-port="5061" '
        'Detail=" unknown ca " Reason="x" Level="1"',
    ) + record("2026-05-01T10:00:01", "e1", 'httpd[7]: web: Event="Something New" User="admin" Level="2"')

    rows = expdiag.load(files({"log.txt": text})).dossier.rows["events"]

    assert [row[1:9] for row in rows] == [
        ("tvcs", "Inbound TLS Negotiation Error", "1", "unknown ca", "x", "SIP", "10.0.1.9:5061", ""),
        ("web", "Something New", "2", "", "", "", "", "admin"),
    ]


def test_restarts_and_upgrades_are_known_by_loose_names(files) -> None:
    events = [
        ("System Start", "", "system-start"),
        ("System shutdown", "", "system-shutdown"),
        ("Restart Requested", "Reason: upgrade", "restart-requested"),
        ("reboot requested", "", "reboot-requested"),
        ("Application Started", "tvcs", "application-start"),
        ("Application Failed", "tvcs", "application-failed"),
    ]
    text = "".join(
        record(f"2026-05-01T10:00:0{n}", "e1", f'a: Event="{e}" Detail="{d}"') for n, (e, d, _) in enumerate(events)
    )
    text += record("2026-05-01T10:01:00", "e1", 'a: Event="Upgrade" Detail="from X14.0.7 to X14.3.4"')
    text += record("2026-05-01T10:02:00", "e1", 'a: Event="Package Install" Detail="s42700x15_0_1.tar.gz"')

    rows = expdiag.load(files({"log.txt": text})).dossier.rows

    assert [(row.kind, row.detail) for row in rows["restarts"]] == [(kind, detail) for _, detail, kind in events]
    assert [(row.kind, row.versions) for row in rows["upgrades"]] == [
        ("upgrade", ("X14.0.7", "X14.3.4")),
        ("package-install", ("X15.0.1",)),
    ]
    assert len(rows["events"]) == 8


def test_links_to_peers_of_the_real_log(real) -> None:
    case = expdiag.load(real / "samples" / "loggingsnapshot-cluster-x12.txt")

    links = case.tables["peer_links"]

    assert [(row.kind, row.remote, row.port) for row in case.dossier.rows["peer_links"]][:8] == [
        ("database-lost", "expc02.apolo.local", None),
        ("database-inconsistent", "expc02.apolo.local", None),
        ("partition", "expc02.apolo.local", None),
        ("connecting", "expc02.apolo.local", None),
        ("connect-failed", "expc02.apolo.local", None),
        ("ras-retransmit", "10.15.13.16", 1719),
        ("ras-retransmit", "10.15.13.16", 1719),
        ("ras-retransmit", "10.15.13.16", 1719),
    ]
    assert set(links.kind) >= {"gatekeeper-timeout", "ras-timeout", "name-lookup-failed"}
    assert set(links.peer) == {"expc01"}


def test_a_log_of_two_hosts_is_parted_by_host(real) -> None:
    case = expdiag.load(real / "samples" / "loggingsnapshot-cluster-x12.txt")

    changes = case.tables["configuration_changes"]

    assert [peer.name for peer in case.cluster.peers] == ["expc01", "expc02"]
    assert list(changes.peer) == ["expc01", "expc01", "expc02", "expc01", "expc01"]
    assert changes.time.is_monotonic_increasing


def test_only_the_last_raised_alarm_is_still_up(files) -> None:
    def alarm(time: str, host: str, what: str, number: int) -> str:
        return record(f"2026-05-01T{time}", host, f'alarm: Event="Alarm {what}" Id="{number}" UUID="u" Detail="t: d"')

    first = alarm("10:00:00", "e1", "Raised", 20006) + alarm("10:05:00", "e1", "Lowered", 20006)
    second = (
        alarm("10:10:00", "e1", "Raised", 20006)
        + alarm("10:11:00", "e1", "Raised", 20004)
        + alarm("10:12:00", "e1", "Lowered", 20004)
        + alarm("10:13:00", "e2", "Raised", 20004)
    )
    # the second part of the log has the name that sorts first
    rows = expdiag.load(files({"e1/b.txt": first, "e1/a.txt": second})).dossier.rows["alarms"]

    assert [(a.number, a.state, a.still_up) for a in rows] == [
        (20006, "raised", False),
        (20006, "lowered", False),
        (20006, "raised", True),
        (20004, "raised", False),
        (20004, "lowered", False),
        (20004, "raised", True),
    ]


def test_records_of_all_peers_are_in_the_order_of_utc(files) -> None:
    east = '2026-05-01T12:00:05.000+02:00 e1 a: Event="System Start"\n'
    west = '2026-05-01T06:00:04.000-04:00 e2 a: Event="System Start"\n'

    case = expdiag.load(files({"e1/log.txt": east, "e2/log.txt": west}))

    assert list(case.tables["restarts"].peer) == ["e2", "e1"]


def test_a_clock_that_steps_back_is_an_issue_and_records_overtaking_each_other_are_not(files) -> None:
    text = (
        record("2026-05-01T10:00:00", "e1", "a: x")
        + record("2026-05-01T10:00:30", "e1", "a: x")
        + record("2026-05-01T10:00:10", "e1", "a: overtaken")
        + record("2026-05-01T09:50:00", "e1", "a: stepped")
    )

    (issue,) = expdiag.load(
        files({"log.txt": text + record("2026-05-01T09:50:01", "e1", 'Event="System Start"')})
    ).all_issues

    assert (issue.kind, issue.line) == ("clock", 4)
    assert "steps back by 0:10:10 after line 3" in issue.text


def test_local_time_that_is_put_back_in_autumn_is_no_step(files) -> None:
    text = '2026-10-25T02:59:59.000+02:00 e1 a: x\n2026-10-25T02:00:00.000+01:00 e1 Event="System Start"\n'

    assert expdiag.load(files({"log.txt": text})).all_issues == ()


def test_a_step_is_found_in_a_large_log_too(files) -> None:
    lines = [record(f"2026-05-01T10:{n // 60 % 60:02}:{n % 60:02}", "e1", "a: " + "x" * 400) for n in range(3000)]
    lines[2000] = record("2026-05-01T09:00:00", "e1", 'Event="System Start"')

    issues = expdiag.load(files({"log.txt": "".join(lines)})).all_issues

    assert [(issue.kind, issue.line) for issue in issues] == [("clock", 2001)]


def test_two_clocks_that_disagree_are_an_issue_once(files) -> None:
    text = "".join(record(f"2026-05-01T10:00:0{n}", "e1", 'a: Event="X"', f"2026-05-01 10:05:0{n}") for n in range(5))

    case = expdiag.load(files({"log.txt": text}))

    assert [(i.kind, i.line) for i in case.all_issues] == [("clock", 1)]
    assert "0:05:00 behind its UTCTime" in case.all_issues[0].text
    assert case.dossier.rows["events"][0].time == datetime(2026, 5, 1, 10, 5, tzinfo=UTC)


def test_peers_whose_clocks_differ_are_told_by_a_change_both_logged(files) -> None:
    change = "clusterConfiguration tls_verify - changed from: Permissive to: Enforcing"
    one = record("2026-05-01T10:00:00", "e1", CHANGED.format("e1", change))
    two = record("2026-05-01T10:00:09", "e2", CHANGED.format("e2", change))

    (issue,) = expdiag.load(files({"e1/log.txt": one, "e2/log.txt": two})).all_issues

    assert (issue.kind, issue.file) == ("clock", "e2/log.txt")
    assert "clock of e2 seems 9.0 s ahead of that of e1" in issue.text


def test_the_event_log_of_the_web_page_has_no_host(files) -> None:
    start = '2026-05-01 10:00:00 tvcs: Event="System Start" Level="1" UTCTime="2026-05-01 08:00:00"'
    text = f"{start}\n2026-05-01 11:00:00 MARK\n"

    rows = expdiag.load(files({"e1/eventlog.txt": text})).dossier.rows["restarts"]

    assert [(row.kind, row.time) for row in rows] == [("system-start", datetime(2026, 5, 1, 8, tzinfo=UTC))]


def test_a_peer_that_is_renamed_during_its_log_stays_one_peer(files) -> None:
    text = record("2026-05-01T10:00:00", "old", 'Event="System Start"') + record(
        "2026-05-01T11:00:00", "new", 'Event="X"'
    )
    dump = '*c xConfiguration IP DNS Hostname: "new"\n*c xConfiguration SystemUnit Name: "n"\n'

    case = expdiag.load(files({"b/loggingsnapshot_old_2026-05-01_09:00:00.txt": text, "b/xconf.txt": dump}))

    assert [peer.name for peer in case.cluster.peers] == ["new"]
    assert [issue.kind for issue in case.all_issues] == ["renamed"]
    assert set(case.tables["events"].peer) == {"new"}


def test_changes_in_all_their_forms(real, files) -> None:
    case = expdiag.load(real / "samples" / "loggingsnapshot-config-changes-x8.txt")
    changes = [(c.item, c.old, c.new, c.user) for c in case.dossier.rows["configuration_changes"]]

    uuid = "edgeCmsServerAddresses uuid cb7d5de8-1ab3-4a0d-a52a-8dbc885effeb name: joinext.vngtp.cms"
    assert ("commands  cmsadd  time_started", None, "0", "admin") in changes
    assert (f"{uuid} port", None, "443", "") in changes
    assert all(time is not None for time in (c.time for c in case.dossier.rows["configuration_changes"]))


def test_a_certificate_in_a_message_leaves_the_log_a_log(files) -> None:
    pem = "".join(f" |{line}\n" for line in authority.root_pem().decode().splitlines())
    text = (
        record("2026-05-01T10:00:00", "e1", "tvcs: x")
        + " SIPMSG:\n"
        + pem
        + record("2026-05-01T10:00:01", "e1", 'Event="System Start"')
    )

    case = expdiag.load(files({"e1/loggingsnapshot_e1_2026-05-01.txt": text}))

    assert [row.kind for row in case.dossier.rows["files"]] == ["diagnostic log"]
    assert len(case.dossier.rows["restarts"]) == 1
    assert case.dossier.rows["certificates"] == ()


def test_hosts_one_after_the_other_are_two_peers_unless_exports_know_only_one(files) -> None:
    text = record("2026-05-01T07:00:00", "e1", 'Event="X"') + record("2026-05-01T08:00:00", "e2", 'Event="Y"')
    dumps = {
        f"{name}.txt": f'*c xConfiguration IP DNS Hostname: "{name}"\n'
        f'*c xConfiguration Ethernet 1 IP V4 Address: "10.0.0.{name[1]}"\n'
        for name in ("e1", "e2")
    }

    alone = expdiag.load(files({"l.txt": text}))
    beside = expdiag.load(files({"l.txt": text, **dumps}))

    for case in (alone, beside):
        assert [peer.name for peer in case.cluster.peers] == ["e1", "e2"]
        assert list(case.tables["events"].peer) == ["e1", "e2"]


def test_a_start_of_the_system_ends_what_was_raised_before(files) -> None:
    raised = 'alarm: Event="Alarm Raised" Id="20006" UUID="u" Detail="t: d"'
    text = record("2026-05-01T10:00:00", "e1", raised) + record("2026-05-01T10:05:00", "e1", 'a: Event="System Start"')

    before = expdiag.load(files({"log.txt": text})).dossier.rows["alarms"]
    again = expdiag.load(files({"log.txt": text + record("2026-05-01T10:06:00", "e1", raised)})).dossier.rows["alarms"]

    assert [alarm.still_up for alarm in before] == [False]
    assert [alarm.still_up for alarm in again] == [False, True]


def test_a_record_that_is_cut_off_is_said(files) -> None:
    cut = '2026-05-01T10:00:01.000+00:00 e1 Event="System Configuration Changed" Detail="xconf'
    text = record("2026-05-01T10:00:00", "e1", 'Event="X"') + cut

    case = expdiag.load(files({"log.txt": text}))

    assert [(issue.kind, issue.line) for issue in case.all_issues] == [("truncated", 2)]
    assert not case.dossier.rows["files"][0].complete
    assert case.dossier.rows["configuration_changes"] == ()


def test_nul_bytes_are_left_out_and_said(files) -> None:
    start = record("2026-05-01T10:00:01", "e1", 'Event="System Start"')
    text = record("2026-05-01T10:00:00", "e1", 'Event="X"') + "\0" * 300 + start
    text += record("2026-05-01T10:00:02", "e1", "a: " + "y" * 4000)

    case = expdiag.load(files({"log.txt": text}))

    assert len(case.dossier.rows["restarts"]) == 1
    assert [issue.kind for issue in case.all_issues] == ["undecodable"]
