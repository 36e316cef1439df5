"""What the figures of trust, events, compatibility, drift and relations say, held against what was made up."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import expdiag
from expdiag.graphs.peers import RELATIONS, PeerGraph
from expdiag.scenarios import history
from expdiag.scenarios.spec import AS_OF, AuthoritySpec, ClusterSpec, healthy
from expdiag.scenarios.write import write_case
from expdiag.show import events, lanes, peers, validity
from expdiag.show.compatibility import compatibility_table
from expdiag.show.drifting import drift_table
from expdiag.show.figures import FIGURES
from expdiag.show.scale import Scale
from expdiag.show.ticks import SIZE, ticks
from expdiag.show.trust import trust_table
from tests.eventful import faults, hostile
from tests.test_figures import boxes

HOUR = timedelta(hours=1)


def case_of(cluster: ClusterSpec, folder: Path) -> expdiag.Case:
    write_case(cluster, folder)
    return expdiag.load(folder)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> expdiag.Case:
    return case_of(faults(), tmp_path_factory.mktemp("faulty"))


# ---- what holds between two peers


def test_a_link_is_as_bad_as_the_worst_relation_of_either_direction() -> None:
    graph = PeerGraph()
    graph.add_edge("a", "b", **dict.fromkeys(RELATIONS, "pass"), round_trip_ms=10.0)
    graph.add_edge("b", "a", **{**dict.fromkeys(RELATIONS, "pass"), "ports": "violation", "route": "unknown"})

    found = peers.link(graph, "a", "b")

    assert found == ("violation", 10.0, ("R11 ports",), ("R09 route",))


def test_nothing_is_solid_of_which_nothing_is_judged() -> None:
    graph = PeerGraph()
    graph.add_nodes_from("ab")

    assert peers.link(graph, "a", "b").outcome == "unknown"
    assert peers.draw(graph).png()


def test_the_graph_names_what_is_broken(faulty: expdiag.Case) -> None:
    table = peers.peer_table(faulty).set_index(["one", "other"])

    assert table.loc[("e1", "e5"), "broken"] == "R07 delay, R08 one way"
    assert table.loc[("e2", "e4"), "broken"] == "R07 delay, R08 one way, R20 trust"
    assert table.loc[("e1", "e2"), "outcome"] == "pass"
    assert "✗ R07 delay" in "".join(text for text, _ in boxes(peers.peer_graph(faulty)))


def test_six_peers_between_which_everything_is_broken_have_room() -> None:
    graph = PeerGraph()
    names = [f"node-{n}-{'x' * 52}" for n in range(6)]
    for name in names:
        graph.add_node(name, seen=True, primary=True, type="E", version="X14.3.4", platform="Medium")
    for one in names:
        for other in names:
            if one != other:
                graph.add_edge(one, other, **dict.fromkeys(RELATIONS, "violation"), round_trip_ms=12345.6)

    found = [box for _, box in boxes(peers.draw(graph))]

    assert len(found) == 6 + 15
    for n, a in enumerate(found):
        for b in found[n + 1 :]:
            assert min(a[2], b[2]) <= max(a[0], b[0]) or min(a[3], b[3]) <= max(a[1], b[1])


# ---- certificates


def test_states_of_certificates(faulty: expdiag.Case) -> None:
    rows = {row.peer: row for row in validity.certificates(faulty)}

    assert {name: row.state for name, row in rows.items()} == {
        **dict.fromkeys(("e1", "e2", "e3"), "valid"),
        "e4": "expires soon",
        "e5": "expired",
        "e6": "not yet valid",
    }
    assert rows["e4"].words == "expires soon, on 2026-05-13\nin 12 days"
    assert rows["e5"].words == "expired on 2026-04-19"
    assert rows["e5"].label == "e5 (R19 violated)\nserver and client"
    assert (rows["e4"].days_left, rows["e5"].days_left) == (12, -12)


def test_a_certificate_that_is_not_there_is_said_and_not_drawn(files) -> None:
    dump = '*c xConfiguration SystemUnit Name: "e1"\n*c xConfiguration Ethernet 1 IP V4 Address: "10.0.1.11"\n'
    case = expdiag.load(files({"e1/xconf_dump.txt": dump}))

    assert [row.state for row in validity.certificates(case)] == ["not in the case"]
    assert not validity.has_certificates(case)
    assert "not in the case" in [text for text, _ in boxes(validity.validity_picture(case))]


def test_a_certificate_for_ages_does_not_stretch_the_axis(tmp_path: Path) -> None:
    cluster = healthy(2)
    start, end = datetime(1950, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    ages = replace(cluster.peers[0].certificate, not_before=start, not_after=end)
    case = case_of(cluster.changed("e1", certificate=ages), tmp_path)

    words = [text for text, _ in boxes(validity.validity_picture(case))]

    assert "valid to 9999-12-31" in words
    assert next(word for word in words if len(word) in (4, 7) and word.startswith("20")) >= "2023"


def test_trust_says_what_enforce_would_do(tmp_path: Path) -> None:
    cluster = replace(healthy(3), tls_mode="Permissive")
    other = replace(cluster.peers[1].certificate, issuer=AuthoritySpec("Another Root"))
    table = trust_table(case_of(cluster.changed("e2", certificate=other), tmp_path))

    assert set(table["outcome"]) == {"not-applicable"}
    assert set(table[table["presents"] == "e2"]["with_enforce"]) == {"would not be trusted"}
    assert set(table[table["presents"] != "e2"]["with_enforce"]) == {"would be trusted"}


# ---- events


def test_alarms_are_up_from_raised_to_lowered(tmp_path: Path) -> None:
    start = AS_OF - 5 * HOUR
    told = {
        "e1": [*history.flapping(start, 20004, 3, "e2"), *history.raised(start + HOUR, 20006)],
        "e2": [*history.raised(start, 20011), *history.restarted(start + HOUR)],
    }
    case = case_of(history.with_history(healthy(2), told), tmp_path)

    alarms = {(e.peer, e.name, e.start): e for e in events.events(case) if e.kind == events.ALARM}

    flaps = [e for (peer, name, _), e in alarms.items() if (peer, name) == ("e1", "20004")]
    assert [e.end - e.start for e in flaps] == [timedelta(minutes=2)] * 3
    assert alarms["e1", "20006", start + HOUR].still_up
    assert alarms["e1", "20006", start + HOUR].end is None
    ended = alarms["e2", "20011", start]
    assert (ended.still_up, ended.end) == (False, start + HOUR + timedelta(minutes=4))


def test_events_of_the_cluster_and_restarts_of_peers(faulty: expdiag.Case) -> None:
    found = events.events(faulty)

    stated = next(e for e in found if e.kind == events.STATED)
    assert stated.end - stated.start == 8 * HOUR
    assert any("upgrading" in e.name for e in found if e.kind == events.PROCEDURE)
    assert sum(e.kind == events.CHANGE and e.peer == "e5" for e in found) >= 120
    assert {e.peer for e in found if e.kind == events.RESTART} == {f"e{n}" for n in range(1, 7)}
    assert len(events.event_table(faulty)) == len(found)


def test_what_is_too_close_is_counted(faulty: expdiag.Case) -> None:
    lane = next(lane for lane in lanes.lanes(faulty) if lane.name == "e5")
    changes = next(row for row in lane.rows if row.label == "configuration changes")

    words = [text for text, _ in boxes(lanes.timeline_picture(faulty))]

    assert len(changes.events) >= 120
    assert "×120" in words
    assert "×25" in words


@settings(max_examples=60, deadline=None)
@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1, max_size=12))
def test_an_axis_keeps_the_order_and_every_moment_has_its_place(times: list[datetime]) -> None:
    scale = Scale.of(times, 2.0)

    places = [scale.at(time) for time in sorted(times)]

    assert places == sorted(places)
    assert scale.left == 2.0 <= places[0] <= places[-1] <= scale.right < 12
    assert all(any(stretch.left <= place <= stretch.right for stretch in scale.stretches) for place in places)


@settings(max_examples=60, deadline=None)
@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(seconds=1), timedelta(days=365_000)))
def test_ticks_do_not_touch(start: datetime, length: timedelta) -> None:
    from expdiag.show.layout import extent

    try:
        end = start + length
    except OverflowError:
        end = datetime.max.replace(tzinfo=UTC)
    found = ticks(start, end, 4.0)

    assert all(0 <= tick.share <= 1 for tick in found)
    for before, after in pairwise(found):
        room = (after.share - before.share) * 4.0
        assert room >= extent(before.label, SIZE)[0] / 2 + extent(after.label, SIZE)[0] / 2


# ---- compatibility and drift


def test_compatibility_marks_who_has_to_change(faulty: expdiag.Case) -> None:
    table = compatibility_table(faulty).set_index(["requirement", "peer"])

    assert table.loc["R02"]["marked"].to_dict() == {f"e{n}": n == 5 for n in range(1, 7)}
    assert table.loc[("R02", "e5"), "value"] == "X14.2.7"
    assert table.loc[("R50", "e6"), "value"] == "CE1200 with X14.3.4"
    assert table.loc[("R24", "e6"), "value"] == "J00 Y5"
    assert set(table.loc["R01"]["outcome"]) == {"pass"}


def test_drift_names_the_odd_one(faulty: expdiag.Case) -> None:
    table = drift_table(faulty).set_index("setting")

    assert table.loc["SIP TLS Mode", "odd"] == "e2"
    assert table.loc["SIP TLS Mode", ["e1", "e2", "outcome"]].tolist() == ["On", "Off", "violation"]
    zones = [name for name in table.index if name.startswith("Zones Zone ")]
    assert zones.index("Zones Zone 2") + 1 == zones.index("Zones Zone 3")
    assert set(table.loc[zones, "odd"]) == {"e6"}


def test_a_long_list_of_drift_is_summed_up(faulty: expdiag.Case) -> None:
    figure = next(figure for figure in FIGURES if figure.name == "drift")
    words = " ".join(text for text, _ in boxes(figure.draw(faulty)))

    assert f"and {len(figure.table(faulty)) - 24} more" in words


def test_words_in_a_page_keep_their_length_with_other_letters_and_can_be_found(faulty: expdiag.Case) -> None:
    for figure in FIGURES:
        if figure.has_content(faulty):
            root = ElementTree.fromstring(figure.draw(faulty).svg("x"))
            texts = [text for text in root.iter("{http://www.w3.org/2000/svg}text") if (text.text or "").strip()]
            assert len(texts) > 3, figure.name
            for text in texts:
                size = float(re.search(r"([0-9.]+)px", text.get("style"))[1])
                each = float(text.get("textLength")) / len(text.text) / size
                assert 0.2 < each < 1.1, (figure.name, text.text)


@pytest.mark.parametrize(
    ("name", "tip"),
    [
        ("ports", r"e1.*: pass: "),
        ("nat", r"on e1, for e2, entry in its peer list: "),
        ("dns", r"^names of the peers"),
        ("round-trips", r"^e1, e2: "),
        ("peers", r"^e\d (–|and|→) e\d|e1"),
    ],
)
def test_what_the_pointer_rests_on_says_where_it_is_and_all_that_is_known(faulty, name: str, tip: str) -> None:
    figure = next(figure for figure in FIGURES if figure.name == name)

    root = ElementTree.fromstring(figure.draw(faulty).svg("x"))

    tips = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any(re.search(tip, said) for said in tips), tips[:10]


# ---- whatever the evidence says


def test_hostile_words_are_harmless_in_every_picture(tmp_path: Path) -> None:
    case = case_of(hostile(), tmp_path)

    for figure in FIGURES:
        if figure.has_content(case):
            picture = figure.draw(case)
            words = "".join(text for text, _ in boxes(picture))
            assert not set(words) & set("\u202e\u202c\x1b"), figure.name
            ElementTree.fromstring(picture.svg("<script>"))


def test_every_picture_can_be_drawn_of_a_case_that_shows_nothing(files) -> None:
    case = expdiag.load(files({"ping.txt": "PING 10.0.1.12 (10.0.1.12) 56(84) bytes of data.\n"}))

    for figure in FIGURES:
        assert figure.draw(case).png(), figure.name
