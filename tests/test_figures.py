"""Every figure: deterministic, nothing overlaps, nothing is cut, and a table says the same."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import expdiag
from expdiag.scenarios.spec import ClusterSpec, healthy
from expdiag.scenarios.write import write_case
from expdiag.show.figures import FIGURES, Figure
from expdiag.show.layout import wrapped
from expdiag.show.style import Picture
from tests.conftest import CASES
from tests.eventful import faults, hostile
from tests.test_graphs import traceroute

LONG = "edge-node-{n}-of-the-cluster-in-the-far-data-centre-of-town-"


def with_paths(cluster: ClusterSpec) -> ClusterSpec:
    """Let every peer trace every other, and ping it with the time of each answer."""
    files = {}
    for start, end in [(a, b) for a in cluster.peers for b in cluster.peers if a is not b]:
        far = f"{end.ipv4} 61.2"
        stops = [f"10.0.1.{n} {n}.5" for n in range(1, 3)] + ["*", "2001:db8:85a3::8a2e:370:7334 40.25", far]
        files[f"probes/{start.host_name}/trace-{end.host_name}.txt"] = traceroute(end.ipv4, *stops)
        answers = "".join(
            f"[17776{n:05d}.1] 64 bytes from {end.ipv4}: icmp_seq={n} ttl=62 time={20 + 9 * n} ms\n"
            for n in range(1, 9)
        )
        files[f"probes/{start.host_name}/dated-{end.host_name}.txt"] = (
            f"PING {end.ipv4} ({end.ipv4}) 56(84) bytes of data.\n{answers}\n--- {end.ipv4} ping statistics ---\n"
            "8 packets transmitted, 8 received, 0% packet loss, time 7007ms\n"
            "rtt min/avg/max/mdev = 29.000/60.500/92.000/20.616 ms\n"
        )
    return cluster.with_files(files)


def long_names(size: int) -> ClusterSpec:
    """Return a cluster of peers with host names of sixty characters and IPv6 addresses, and some faults."""
    cluster = healthy(size)
    named = tuple(
        peer.changed(
            host_name=LONG.format(n=n).ljust(60, "x")[:60],
            ipv6=f"2001:db8:85a3:1234:5678:8a2e:370:{n:x}",
            system_name="A system name that is rather long, too, number " + str(n),
        )
        for n, peer in enumerate(cluster.peers, start=1)
    )
    trips = {frozenset({a.host_name, b.host_name}): 95.0 for a, b in combinations(named, 2)}
    return replace(cluster, peers=named, round_trips=trips)


CLUSTERS = {
    "one": lambda: healthy(1),
    "two": lambda: with_paths(healthy(2)),
    "two, long names": lambda: with_paths(long_names(2)),
    "six": lambda: with_paths(healthy(6)),
    "six, long names": lambda: with_paths(long_names(6)),
    "six, with faults": faults,
    "hostile": hostile,
    "little is known": lambda: healthy(4),
}


@pytest.fixture(scope="module", params=[*CLUSTERS, "troubled-e"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> expdiag.Case:
    if request.param not in CLUSTERS:
        return expdiag.load(CASES / request.param)
    folder = tmp_path_factory.mktemp("case")
    write_case(CLUSTERS[request.param](), folder)
    if request.param == "little is known":
        leave_little(folder)
    return expdiag.load(folder)


def leave_little(folder: Path) -> None:
    """Leave of a case one dump of two peers: no log, no certificate, no probe, nothing that a person states."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.name.startswith("diagnostic_log_e1"):
            with tarfile.open(path) as archive:
                for name in archive.getnames():
                    if "xconf" in name:
                        archive.extract(name, folder / "e1", filter="data")
        if not path.name.startswith("diagnostic_log_e2"):
            path.unlink()


def boxes(picture: Picture) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Yield every text that is drawn and its box in pixels, as matplotlib measures it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(picture)
    canvas.draw()
    renderer = canvas.get_renderer()
    for text in picture.findobj(Text):
        if text.get_visible() and text.get_text().strip() and _is_drawn(text):
            box = text.get_window_extent(renderer)
            yield text.get_text(), (box.x0, box.y0, box.x1, box.y1)


def _is_drawn(text: object) -> bool:
    """Axes that are switched off keep tick labels they never draw."""
    axes = getattr(text, "axes", None)
    if axes is None or axes.axison:
        return axes is None or not _is_hidden_tick(text, axes)
    return text in axes.texts


def _is_hidden_tick(text: object, axes: object) -> bool:
    both = (axes.xaxis, axes.yaxis)
    shown = [label for axis in both for label in axis.get_ticklabels()]
    ticks = [tick for axis in both for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())]
    return any(text in (tick.label1, tick.label2) for tick in ticks) and text not in shown


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_no_text_overlaps_or_is_cut(case: expdiag.Case, figure: Figure) -> None:
    if not figure.has_content(case):
        return
    picture = figure.draw(case)
    width, height = (inches * picture.dpi for inches in picture.get_size_inches())
    found = list(boxes(picture))
    assert found
    for words, (x0, y0, x1, y1) in found:
        assert x0 >= -1, words
        assert y0 >= -1, words
        assert x1 <= width + 1, words
        assert y1 <= height + 1, words
    for (one, a), (other, b) in combinations(found, 2):
        across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        assert across <= 1 or down <= 1, (one, other)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_is_the_same_on_every_run(case: expdiag.Case, figure: Figure) -> None:
    if figure.has_content(case):
        assert figure.draw(case).svg("x") == figure.draw(case).svg("x")


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_table_says_the_same(case: expdiag.Case, figure: Figure) -> None:
    table = figure.table(case)
    assert len(table) > 0 or not figure.has_content(case)


@given(st.text(max_size=90), st.integers(4, 40))
def test_wrapping_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    from expdiag.safe import one_line

    lines = wrapped(text, width).split("\n")
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(one_line(text).split())
