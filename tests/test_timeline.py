"""One timeline over all peers, steps of procedures in it, and restarts of the whole cluster."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import pytest

import expdiag
from expdiag.model.history import procedures, restarts, steps
from expdiag.model.history import timeline as times
from expdiag.model.history.restarts import Outage
from expdiag.scenarios import history
from expdiag.scenarios.spec import AS_OF, ClusterSpec, healthy
from expdiag.scenarios.write import bundle, case_toml, log, probes
from tests.test_matches import both
from tests.test_matches import case_of as captures_of

START = AS_OF - timedelta(hours=6)
MINUTE = timedelta(minutes=1)
MINE = ("R03", "R13", "R14", "R15", "E07", "E13")
H = healthy()
TROUBLED = history.with_history(
    H,
    history.formed(H, START),
    history.enforced(H, START + 90 * MINUTE, ("e2", "e1", "e3")),
    {"e3": history.flapping(START + 95 * MINUTE, 20006, 3)},
    {"e1": history.flapping(START + 95 * MINUTE, 20006, 3)},
)


def timeline(case: expdiag.Case) -> times.Timeline:
    return case.cluster.view(times.of_cluster)


def said(case: expdiag.Case) -> list[tuple[object, ...]]:
    """Return everything the rules of time say of a case but where it stands."""
    return [
        (f.requirement.number, f.subject, f.outcome, f.verdict.reason, f.verdict.at_fault, f.verdict.want)
        for f in expdiag.check(case, MINE)
    ]


def test_records_of_all_peers_are_one_timeline_and_double_ones_count_once(case_of, files) -> None:
    found = timeline(case_of(TROUBLED))
    assert [m.time for m in found.moments] == sorted(m.time for m in found.moments)
    assert {m.peer for m in found.moments} == {"e1", "e2", "e3"}

    text = log(TROUBLED.peers[0], TROUBLED)
    one = expdiag.load(files({"e1/a.txt": text}))
    two = expdiag.load(files({"e1/a.txt": text, "e1/b.txt": text}))
    assert [m[:4] for m in timeline(one).moments] == [m[:4] for m in timeline(two).moments]


def test_a_start_is_what_the_log_tells_and_what_the_uptime_tells(case_of) -> None:
    cluster = history.with_history(H.changed("e1", uptime=3600), {"e1": history.restarted(START)})
    first, last = timeline(case_of(cluster)).starts["e1"]

    assert (first.time, first.asked, first.down) == (START + 4 * MINUTE, START, START + timedelta(seconds=20))
    assert (last.time, last.logged) == (AS_OF - timedelta(hours=1), False)


def test_uptime_and_log_of_one_start_are_one(case_of) -> None:
    cluster = H.changed("e1", uptime=6 * 3600 - 5 * 60)
    (start,) = timeline(case_of(history.with_history(cluster, {"e1": history.restarted(START)}))).starts["e1"]

    assert start.logged
    assert len(start.sources) == 5  # asked, went down, came up; uptime and clock


def test_clocks_that_captures_compare_are_taken_into_account(files) -> None:
    near, far = both(offset_ms=2000, way=7.5)

    clocks = timeline(captures_of(files, [near.close()], [far.close()])).clocks

    assert clocks["e2"].ahead.total_seconds() == pytest.approx(2)
    assert clocks["e2"].told_by == "captures"


@pytest.mark.parametrize(
    ("item", "kind", "slot"),
    [
        ("alternates peer 2 address", "peer", 2),
        ("Alternates 3 Peer Address", "peer", 3),
        ("cluster peer_4", "peer", 4),
        ("alternatesConfiguration peer2", "peer", 2),
        ("clusterConfiguration tls_verify", "tls-mode", None),
        ("cluster tls_verify", "tls-mode", None),
        ("alternates configurationPrimary", "primary", None),
        ("alternates ConfigurationMaster", "primary", None),
        ("alternatesConfiguration", "touched", None),
        ("cluster name", "", None),
        ("alternates cluster name", "", None),
        ("cluster address_mapping 1 fqdn", "", None),
        ("zones zone 3 neighbor peer 1 address", "", None),
        ("ntp server 1 address", "", None),
        ("edgeCmsServerAddresses uuid cb7d5de8-1ab3-4a0d-a52a-8dbc885effeb name: x port", "", None),
    ],
)
def test_which_settings_are_those_of_a_cluster(item: str, kind: str, slot: int | None) -> None:
    assert steps._meaning(item) == (kind, slot)


def test_the_real_log_shows_that_tls_was_enforced(real) -> None:
    case = expdiag.load(real / "samples" / "loggingsnapshot-cluster-x12.txt")

    (episode,) = case.cluster.view(procedures.of_cluster).episodes
    assert episode.kinds == ("enforcing-tls",)
    assert episode.span.start == datetime(2020, 8, 12, 20, 13, 24, tzinfo=UTC)
    assert {f.outcome for f in expdiag.check(case, ["R13", "R14"])} == {"pass"}


def test_procedures_are_recognised(case_of) -> None:
    def kinds(*histories: history.History) -> tuple[str, ...]:
        case = case_of(history.with_history(H, *histories))
        return case.cluster.view(procedures.of_cluster).episodes[0].kinds

    assert kinds(history.formed(H, START)) == ("adding-peer", "forming")
    assert kinds(history.renamed(H, START)) == ("changing-to-names",)
    assert kinds(history.primary_changed(START, ("e1", "e2", "e3"), 2, 1)) == ("changing-primary",)
    assert kinds({"e1": history.upgraded(START, "X14.0.7", "X14.3.4")}) == ("upgrading",)


def test_a_list_that_grows_in_replication_is_a_change_whoever_logged_it(case_of) -> None:
    two = H.changed("e1", peer_list=H.peers[0].peer_list[:2])
    words = re.search(r"replication: .*AlternateIP.*", log(two.peers[0], two))
    assert words
    record = re.sub(r'UTCTime="[^"]*"', f'UTCTime="{START:%Y-%m-%d %H:%M:%S},000"', words[0])
    case = case_of(history.with_history(H, {"e1": [(START, record)]}))

    assert [e.kinds for e in case.cluster.view(procedures.of_cluster).episodes] == [("adding-peer",)]


@pytest.mark.parametrize(
    ("records", "outage"),
    [
        (history.restarted_all(START, ("e1", "e2", "e3")), Outage.SHOWN),
        ({h: history.restarted(START + 9 * n * MINUTE) for n, h in enumerate(("e1", "e2", "e3"))}, Outage.NONE),
    ],
)
def test_whether_all_were_down_at_once(case_of, records: history.History, outage: Outage) -> None:
    event = case_of(history.with_history(H, records)).cluster.view(restarts.of_cluster)

    assert event is not None
    assert event.outage is outage


def test_the_order_of_files_does_not_matter(tmp_path) -> None:
    """Folders whose names sort differently, given in another order, say the same."""
    found = []
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        folder = tmp_path / "".join(map(str, order)) / "case"
        for place, number in enumerate(order):
            for name, content in bundle(TROUBLED.peers[number], TROUBLED).items():
                path = folder / f"{place}" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        (folder / "case.toml").write_text(case_toml(TROUBLED))
        found.append(said(expdiag.load(folder)))

    assert found[0] == found[1] == found[2]
    assert {"violation", "pass"} <= {outcome for _, _, outcome, *_ in found[0]}


def written(cluster: ClusterSpec, texts, files) -> expdiag.Case:
    """Load a cluster whose logs are given as texts by host name."""
    contents: dict[str, str | bytes] = {"case.toml": case_toml(cluster), **probes(cluster)}
    for peer in cluster.peers:
        for name, content in bundle(peer, cluster).items():
            contents[f"{peer.host_name}/{name}"] = texts[peer.host_name] if name.startswith("logging") else content
    return expdiag.load(files(contents))


@pytest.mark.parametrize("seed", range(3))
def test_records_of_one_instant_may_stand_in_any_order(files, seed: int) -> None:
    chance = random.Random(seed)
    straight = {peer.host_name: log(peer, TROUBLED) for peer in TROUBLED.peers}
    mixed = {}
    for host, text in straight.items():
        lines = text.splitlines(keepends=True)
        chance.shuffle(lines)
        mixed[host] = "".join(
            sorted(lines, key=lambda line: line[:29])
        )  # keeps the order of the shuffle within a stamp

    assert said(written(TROUBLED, mixed, files)) == said(written(TROUBLED, straight, files))


@pytest.mark.parametrize("days", [-400, 3, 1000])
def test_shifting_all_times_changes_no_outcome(case_of, days: int) -> None:
    shift = timedelta(days=days)
    moved = history.with_history(
        ClusterSpec(H.name, H.peers, H.round_trips, H.tls_mode, H.mapping, AS_OF + shift),
        history.formed(H, START + shift),
        history.enforced(H, START + shift + 90 * MINUTE, ("e2", "e1", "e3")),
        {"e3": history.flapping(START + shift + 95 * MINUTE, 20006, 3)},
        {"e1": history.flapping(START + shift + 95 * MINUTE, 20006, 3)},
    )

    here, there = said(case_of(TROUBLED)), said(case_of(moved))
    assert [row[:3] for row in here] == [row[:3] for row in there]
    assert [row[4] for row in here] == [row[4] for row in there]


def test_times_at_the_end_of_the_calendar_crash_nothing(files) -> None:
    text = "".join(
        f'{stamp}.000+00:00 e1 a: Event="{event}" UTCTime="{stamp.replace("T", " ")},000"\n'
        for stamp in ("0001-01-01T00:00:00", "9999-12-31T23:59:59")
        for event in ("System Start", "System Shutdown", "Upgrade")
    )
    status = '*s SystemUnit: /\n     Uptime: 99999999999\n     SystemTime: "0001-01-01 00:00:01"\n*s/end\n'
    findings = expdiag.check(expdiag.load(files({"e1/log.txt": text, "e1/s.txt": status})))

    assert not findings.crashed
