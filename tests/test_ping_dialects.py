"""Every ping: one sample and one hand-checked result a variant; the lab against its truth; hostile and cut input."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import expdiag
from expdiag import tables
from expdiag.evidence import FileSources, place
from expdiag.intake.detect import detect, text_readers
from expdiag.intake.member import HEAD_BYTES, CutShortError, Member
from expdiag.intake.ping import READER
from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest, first_lines
from expdiag.tables import Probe, RoundTrip

SAMPLES = Path(__file__).parent / "samples" / "ping"
TEXTS = {path.stem: path.read_bytes() for path in sorted(SAMPLES.glob("*.txt"))}
READABLE = {name: raw.decode() for name, raw in TEXTS.items() if name != "windows-german-cp850"}


def read(raw: bytes | str, vantage: str = "") -> Harvest:
    """Return what the reader makes of a file, whatever detection says of it."""
    content = raw.encode() if isinstance(raw, str) else raw
    harvest = Harvest(FileSources(0, "ping.txt"), vantage=vantage)
    rest = [content[HEAD_BYTES:]]
    READER.read(Member("ping.txt", content[:HEAD_BYTES], lambda _: rest.pop() if rest else b""), harvest)
    harvest.close()
    return harvest


def as_json(harvest: Harvest) -> dict[str, Any]:
    """Return the rows by table, a source as the number of its line, and the issues as line and kind."""

    def value(name: str, of: Any) -> Any:
        if name in ("source", "run", "p95_line") and of is not None:
            return harvest.sources.at(place(of)).line
        if isinstance(of, datetime):
            return of.isoformat()
        return round(of, 6) if isinstance(of, float) else of

    shown: dict[str, Any] = {
        name: [{column: value(column, of) for column, of in row._asdict().items()} for row in rows]
        for name, rows in sorted(harvest.rows.items())
    }
    shown["issues"] = [[issue.line, issue.kind] for issue in harvest.issues]
    return shown


def runs(harvest: Harvest) -> list[RoundTrip]:
    return harvest.rows.get("round_trips", [])


def probes(harvest: Harvest) -> list[Probe]:
    return harvest.rows.get("probes", [])


def said(harvest: Harvest) -> list[tuple[str, int | None, str, str]]:
    return [(r.address, r.port, r.state, r.said_by) for r in harvest.rows.get("reachability", [])]


def kinds(harvest: Harvest) -> list[str]:
    return [issue.kind for issue in harvest.issues]


@pytest.mark.parametrize("name", TEXTS)
def test_samples(name: str) -> None:
    wanted = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))

    assert as_json(read(TEXTS[name])) == wanted


@pytest.mark.parametrize("name", TEXTS)
def test_every_sample_is_taken_for_a_ping(name: str) -> None:
    assert detect(TEXTS[name]) is READER
    assert [r.kind for r in text_readers() if r is not READER and r.claims(first_lines(TEXTS[name]))] == []


def test_other_formats_are_not_claimed(real: Path) -> None:
    """Traceroutes, mtr, dig, nmap, s_client, nft, logs and dumps."""
    found = {}
    for folder in (real / "lab" / "captures", real / "samples"):
        for path in sorted(folder.iterdir()):
            if "ping" in path.name or path.suffix in (".pcap", ".pcapng") or path.name in ("INDEX", "README.md"):
                continue
            if claims := READER.claims(first_lines(path.read_bytes()[:HEAD_BYTES])):
                found[path.name] = claims

    assert found == {}


# File, path in truth.json, port, and by how much its tool may be slower than the wire
LAB = [
    ("busybox-ping.txt", "p1-p2", None, 1.0),
    ("fping-C.txt", "p1-p2", None, 1.0),
    ("fping-C.txt", "p1-p3", None, 1.0),
    ("fping-D-l.txt", "p1-p2", None, 1.0),
    ("fping-c.txt", "p1-p2", None, 1.0),
    ("fping-c.txt", "p1-p3", None, 1.0),
    ("hping3-1.txt", "p1-p2", None, 1.0),
    ("hping3-S-4371.txt", "p1-p2", 4371, 1.0),
    ("nping-tcp-4371.txt", "p1-p2", 4371, 1.0),
    ("nping-tcp-4371.txt", "p1-p2", 4372, 1.0),
    ("nping-tcp-connect.txt", "p1-p4", 4371, 1.0),
    ("ping-p1-p2.txt", "p1-p2", None, 1.0),
    ("ping-p1-p2-q.txt", "p1-p2", None, 1.0),
    ("ping-p1-p3-name.txt", "p1-p3", None, 1.0),
    ("ping-R.txt", "p1-p2", None, 1.0),
    ("ping-T.txt", "p1-p2", None, 1.0),
    ("ping6-p1-p2.txt", "p1-p2", None, 1.0),
    ("ping-p2-p3-loss.txt", "p2-p3", None, 2.0),
    ("ping-p2-p3-D-O.txt", "p2-p3", None, 2.0),
]
ADDRESS_OF = {"p2": ("10.77.2.10", "fd77:2::10"), "p3": ("10.77.3.10",), "p4": ("10.77.9.2",)}


@pytest.mark.parametrize(("name", "path", "port", "more"), LAB)
def test_lab_captures_against_the_truth(real: Path, name: str, path: str, port: int | None, more: float) -> None:
    captures = real / "lab" / "captures"
    truth = json.loads((captures / "truth.json").read_text())["base_rtt_ms"][path]
    harvest = read((captures / name).read_bytes())

    (run,) = [r for r in runs(harvest) if r.address in ADDRESS_OF[path[-2:]] and r.port == port]

    assert truth - 0.1 <= run.min <= truth + more
    assert not {"unrecognised", "contradiction"} & set(kinds(harvest))


def test_every_line_of_the_lab_is_understood(real: Path) -> None:
    for path in sorted((real / "lab" / "captures").glob("*ping*.txt")):
        assert "unrecognised" not in kinds(read(path.read_bytes())), path.name


BLOCKED = [
    ("nping-c1-prohibited.txt", ("10.77.1.10", 4371, "prohibited", "10.77.8.1")),
    ("hping3-refused.txt", ("10.77.9.2", 4372, "refused", "10.77.9.2")),
    ("nping-tcp-connect.txt", ("10.77.9.2", 4372, "refused", "10.77.9.2")),
    ("nping-tcp-connect.txt", ("10.77.9.2", 4371, "open", "")),
    ("fping-c.txt", ("10.77.1.99", None, "unreachable", "10.77.1.10")),
    ("ping-p1-unreachable.txt", ("10.77.1.99", None, "unreachable", "10.77.1.10")),
]


@pytest.mark.parametrize(("name", "wanted"), BLOCKED)
def test_what_the_lab_blocks(real: Path, name: str, wanted: tuple[str, int | None, str, str]) -> None:
    assert wanted in said(read((real / "lab" / "captures" / name).read_bytes()))


@pytest.mark.parametrize("name", READABLE)
def test_the_summary_of_the_tool_agrees(name: str) -> None:
    """Where every answer is listed, ours and the tool's figures differ by the rounding of a line at most."""
    harvest = read(READABLE[name])
    for run in runs(harvest):
        line = harvest.sources.at(place(run.source)).text
        printed = re.search(r"min/\S+ = ([0-9.,]+)/([0-9.,]+)/([0-9.,]+)", line)
        if run.p95 is None or not printed or run.tool == "hping3":
            continue
        shortest, mean, longest = (float(text.replace(",", ".")) for text in printed.groups())
        step = 0.51 if name.startswith("ios") else 0.06
        assert run.min == pytest.approx(shortest, abs=step)
        assert run.mean == pytest.approx(mean, abs=step)
        assert run.max == pytest.approx(longest, abs=step)


def windows(*times: str) -> str:
    replies = "".join(f"Reply from 10.0.0.2: bytes=32 time{time_}ms TTL=62\n" for time_ in times)
    return (
        f"Pinging 10.0.0.2 with 32 bytes of data:\n{replies}\nPing statistics for 10.0.0.2:\n"
        f"    Packets: Sent = {len(times)}, Received = {len(times)}, Lost = 0 (0% loss),\n"
    )


@pytest.mark.parametrize(
    ("times", "minimum", "median", "p95", "maximum"),
    [
        (("<1",) * 5, None, None, 1.0, 1.0),
        (("<1", "=3", "=5", "=4", "=2"), None, 3.0, 5.0, 5.0),
        (("<1", "<1", "=1", "=1"), None, None, 1.0, 1.0),
        (("=1", "=2", "=3", "=4"), 1.0, 2.5, 4.0, 4.0),
    ],
)
def test_a_bound_is_no_measurement(times, minimum, median, p95, maximum) -> None:
    harvest = read(windows(*times))
    (run,) = runs(harvest)

    assert (run.min, run.median, run.p95, run.max) == (minimum, median, p95, maximum)
    assert (run.mean is None, run.jitter is None) == ("<1" in times, "<1" in times)
    assert [(p.rtt, p.detail) for p in probes(harvest)] == [
        (None, "<1 ms") if t == "<1" else (float(t[1:]), "") for t in times
    ]


def test_a_run_under_a_millisecond_is_still_judged() -> None:
    from expdiag.model.network.latency import delays

    (delay,) = delays(runs(read(windows(*("<1",) * 5))))

    assert (delay.low, delay.high) == (1.0, 1.0)


def test_a_windows_summary_alone_rounds_zero_to_a_bound() -> None:
    text = windows("<1").splitlines(keepends=True)
    figures = "    Minimum = 0ms, Maximum = 0ms, Average = 0ms\n"

    (run,) = runs(read(text[0] + "".join(text[2:]) + figures))

    assert (run.min, run.p95, run.max, run.mean) == (None, None, 1.0, None)


def test_windows_sentences_that_are_no_probes_are_reported() -> None:
    text = windows("=1", "=2").replace("\nPing", "Diese Verbindung war langsam.\nPing")

    harvest = read(text)

    assert [(i.line, i.kind) for i in harvest.issues] == [(4, "unrecognised")]
    assert [p.outcome for p in probes(harvest)] == ["answered", "answered"]


def test_sentences_of_a_cut_run_are_not_taken_for_lost_probes() -> None:
    text = windows("=1", "=2").partition("\nPing")[0] + "Zeitüberschreitung der Anforderung.\nRequest timed out.\n"

    harvest = read(text)

    assert [p.outcome for p in probes(harvest)] == ["answered", "answered", "lost"]
    assert [(i.line, i.kind) for i in harvest.issues] == [(4, "unrecognised"), (1, "truncated")]


def test_a_late_answer_of_nping_gets_no_time() -> None:
    assert [p.rtt for p in probes(read(TEXTS["nping-late"]))] == [None, 14.5]


def test_an_answer_of_nping_whose_packet_is_missing_has_no_time() -> None:
    beheaded = b"".join(TEXTS["nping-tcp-4371"].splitlines(keepends=True)[3:])

    found = {run.port: run for run in runs(read(beheaded))}

    assert (found[4371].sent, found[4371].answered, found[4371].p95) == (2, 2, None)
    assert (found[4372].sent, found[4372].answered, found[4372].p95) == (2, 2, 14.9)


def test_nping_icmp_has_neither_times_nor_loss() -> None:
    harvest = read(TEXTS["nping-icmp"])
    (run,) = runs(harvest)

    assert (run.sent, run.answered, run.loss, run.loss_high, run.min, run.p95) == (3, 2, None, None, None, None)
    assert kinds(harvest) == ["untrusted"]


def test_hping_repeats_are_dropped_and_its_summary_is_not_used() -> None:
    harvest = read(TEXTS["hping3-S-4371"])
    (run,) = runs(harvest)

    assert (run.sent, run.loss, run.answered, run.min) == (None, None, 3, 14.7)
    assert [p.rtt for p in probes(harvest)] == [14.9, 14.8, 14.7]


def test_hping_cut_before_its_answers_is_not_silence() -> None:
    head = b"\n--- 10.77.2.10 hping statistic ---\n3 packets transmitted, 3 packets received, 0% packet loss\n"
    prompt = b"root@p1:~# hping3 -S -p 4371 10.77.2.10\n"

    harvest = read(prompt + head + TEXTS["hping3-S-4371"].splitlines(keepends=True)[4])

    assert said(harvest) == []
    assert kinds(harvest) == ["truncated"]


def test_programs_may_follow_each_other_in_one_file() -> None:
    order = (
        "windows-english",
        "ios",
        "iputils-two-runs",
        "nping-tcp-4371",
        "fping-c",
        "hping3-S-4371",
        "macos",
        "page",
    )
    harvest = read("".join(READABLE[name] for name in order))
    alone = [run for name in order for run in runs(read(READABLE[name]))]

    assert [r._replace(source=0, p95_line=None, vantage="") for r in runs(harvest)] == [
        r._replace(source=0, p95_line=None, vantage="") for r in alone
    ]


def test_the_folder_tells_the_vantage_before_the_prompt_does() -> None:
    text = READABLE["iputils-two-runs"]

    assert {run.vantage for run in runs(read(text, vantage="e7"))} == {"e7"}
    assert {run.vantage for run in runs(read(text))} == {"e1"}


def test_a_prompt_is_vantage_enough_for_the_case(files) -> None:
    case = expdiag.load(files({"ping.txt": READABLE["iputils-two-runs"], "other.txt": READABLE["busybox"]}))

    assert [i.file for i in case.all_issues if i.kind == "vantage"] == ["other.txt"]


def test_numbers_of_sixteen_bits_go_round() -> None:
    numbers = [65534, 65535, 0, 1]
    head = "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n"
    before = "".join(f"64 bytes from 10.0.0.2: icmp_seq={n} ttl=62 time=10.0 ms\n" for n in range(1, 65536, 1000))
    answers = "".join(f"64 bytes from 10.0.0.2: icmp_seq={n} ttl=62 time=10.0 ms\n" for n in numbers)

    harvest = read(head + before + answers)

    assert {p.outcome for p in probes(harvest)} == {"answered"}


def test_a_summary_of_more_than_is_shown_gives_no_percentile() -> None:
    (run,) = runs(read(READABLE["iputils-beheaded"]))

    assert (run.answered, run.p95, run.median, run.max) == (10, None, None, 97.5)


def test_more_answers_than_the_summary_admits_is_a_contradiction() -> None:
    harvest = read(READABLE["busybox"].replace("3 packets received", "2 packets received"))

    assert kinds(harvest) == ["contradiction"]
    assert (runs(harvest)[0].sent, runs(harvest)[0].loss) == (None, None)


def test_a_broken_archive_keeps_the_run_it_breaks_in() -> None:
    harvest = Harvest(FileSources(0, "ping.txt"))

    def breaks(_: int) -> bytes:
        raise CutShortError("the archive ends")

    with pytest.raises(CutShortError):
        READER.read(Member("ping.txt", READABLE["busybox"][:150].encode(), breaks), harvest)

    assert len(probes(harvest)) == 1


def test_probes_are_capped(monkeypatch) -> None:
    monkeypatch.setattr("expdiag.intake.reading.MAX_ROWS", 1000)
    run = (
        "PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.\n"
        "64 bytes from 10.0.0.2: icmp_seq=1 ttl=62 time=10.0 ms\n600 packets transmitted, 1 received, 99% packet loss\n"
    )
    harvest = Harvest(FileSources(0, "ping.txt"))

    with pytest.raises(expdiag.intake.reading.TooMuchError):
        READER.read(Member("ping.txt", (run * 5).encode(), lambda _: b""), harvest)

    assert len(probes(harvest)) == 600


def test_a_line_of_a_hundred_thousand_signs_is_listed_once() -> None:
    head = "Sending 5, 100-byte ICMP Echos to 10.0.0.2, timeout is 2 seconds:\n"

    harvest = read(head + ("!" * 200_000 + "\n") * 3)

    assert len(probes(harvest)) == 100_000
    assert "too-many" in kinds(harvest)


def test_the_last_line_of_fping_with_fewer_values_is_cut() -> None:
    line = "10.0.0.{} : 14.8 14.5 14.6\n"

    assert kinds(read(line.format(1) + line.format(2)[:-6])) == ["truncated"]
    assert kinds(read(line.format(1) + line.format(2)[:-6] + "\n" + line.format(3))) == []


def test_an_error_that_is_no_refusal_is_not_silence() -> None:
    text = READABLE["hping3-udp"].replace("ICMP Port Unreachable", "TTL 0 during transit")

    assert said(read(text)) == []


def test_a_redirect_is_no_error() -> None:
    text = READABLE["macos"].replace(
        "Request timeout for icmp_seq 2", "92 bytes from 10.77.1.1: Redirect Host(New addr: 10.77.1.2)"
    )

    assert {p.outcome for p in probes(read(text))} == {"answered", "duplicate", "lost"}


def test_a_hundred_targets_of_fping_do_not_pile_up(monkeypatch) -> None:
    monkeypatch.setattr("expdiag.intake.ping.fping.MOST_PROBES", 100)

    harvest = read("".join(f"10.0.0.{n} : 14.8 14.5 - 14.4\n" for n in range(100)))

    assert len(runs(harvest)) == 100
    assert len(probes(harvest)) == 400


def test_windows_packets_too_large_are_errors() -> None:
    text = (
        windows("=1", "=2")
        .replace("\nPing", "Packet needs to be fragmented but DF set.\nPing")
        .replace("= 2", "= 3", 1)
    )

    assert [p.outcome for p in probes(read(text))] == ["answered", "answered", "error"]


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("change", ["crlf", "utf-16", "indented"])
def test_what_terminals_do_to_a_text(name: str, change: str) -> None:
    text = READABLE[name].replace("\r\n", "\n")
    changed = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "utf-16": text.encode("utf-16"),
        "indented": "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True)).encode(),
    }[change]

    assert as_json(read(changed)) == as_json(read(text))


@pytest.mark.parametrize("name", READABLE)
def test_a_foreign_line_anywhere_is_reported_and_changes_nothing(name: str) -> None:
    whole = READABLE[name].splitlines(keepends=True)
    alone = as_json(read("".join(whole)))
    for position in range(len(whole) + 1):
        harvest = read("".join([*whole[:position], "%% 9 foreign words /\n", *whole[position:]]))
        shown = as_json(harvest)

        assert [position + 1, "unrecognised"] in shown["issues"]
        assert len(shown["issues"]) == len(alone["issues"]) + 1
        for table in ("round_trips", "probes", "reachability"):
            assert _without_places(shown.get(table, [])) == _without_places(alone.get(table, []))


def _without_places(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in ("source", "run", "p95_line")} for row in rows]


@pytest.mark.parametrize("name", READABLE)
def test_a_cut_text_keeps_what_stood_before_and_makes_up_nothing(name: str) -> None:
    raw = READABLE[name].encode()
    whole = read(raw)
    times = _times(whole)
    for sixteenth in range(1, 16):
        cut = raw[: len(raw) * sixteenth // 16]
        harvest = read(cut)
        last = cut.count(b"\n") + 1

        shown = {line: values for line, values in _times(harvest).items() if line != last}
        assert shown == {line: values for line, values in times.items() if line in shown}
        assert set(_times(harvest).get(last, [])) <= set(times.get(last, []))
        assert all(run.loss is None for run in runs(harvest) if run.sent is None)


def _times(harvest: Harvest) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for probe in probes(harvest):
        if probe.rtt is not None:
            found.setdefault(harvest.sources.at(place(probe.source)).line, []).append(probe.rtt)
    return found


@pytest.mark.parametrize("raw", [b"", b"\n\n \n", b"\x00\xff\xfe", "ping".encode("utf-16"), b"PING \n--- ping ---\n"])
def test_nothing_comes_of_nothing(raw: bytes) -> None:
    assert read(raw).rows == {}


def test_no_line_takes_long() -> None:
    """Each line of the samples, repeated, stretched and with a tail: no pattern may try them all ways."""
    every = sorted({line for text in READABLE.values() for line in text.splitlines() if line.strip()})
    stretched = [
        shape
        for line in every
        for shape in ((line * 1900)[:1900], line + " " * 1800 + "x", line.replace(" ", " " * 60), line * 3000)
    ]
    start = time.perf_counter()
    for line in stretched:
        READER.claims([line])
    read("\n".join(f"{line}\n{longer}" for line in every for longer in (line + "9" * 1900, line + " - " * 20_000)))

    assert time.perf_counter() - start < 20


def test_many_lost_probes_do_not_take_the_square_of_their_number() -> None:
    sent = "SENT ({0}.0000s) TCP 10.0.0.1:1 > 10.0.0.2:4371 S ttl=64 id=1 iplen=40  seq=1 win=1480 \n"
    error = "RCVD (9.0000s) ICMP [10.0.0.9 > 10.0.0.1 Host 10.0.0.2 unreachable (type=3/code=1) ] IP [ttl=64]\n"
    text = "".join(sent.format(n) for n in range(30_000)) + error * 30_000
    start = time.perf_counter()

    read(text)

    assert time.perf_counter() - start < 15


@settings(max_examples=150, deadline=None)
@given(raw=st.binary(max_size=400))
def test_any_bytes_give_rows_or_issues(raw: bytes) -> None:
    harvest = read(raw)

    assert harvest.rows or harvest.issues or not any(line.strip() for line in first_lines(raw))


@settings(max_examples=150, deadline=None)
@given(
    found=st.lists(
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=60), max_size=20
    )
)
def test_each_line_nobody_knows_is_reported(found: list[str]) -> None:
    harvest = read("\n".join(found))

    unknown = {n for n, line in enumerate(found, 1) if line.removeprefix("\ufeff" if n == 1 else "").strip()}
    told = {issue.line for issue in harvest.issues if issue.kind == "unrecognised"}
    assert harvest.rows or told == {n for n in unknown if not prompt(found[n - 1].strip()) or n in told}


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_mutated_samples_give_rows_that_fit(data: st.DataObject) -> None:
    raw = bytearray(TEXTS[data.draw(st.sampled_from(sorted(TEXTS)))])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 8))] = data.draw(
            st.sampled_from(
                [b"", b"9", b"\n", b"-", b"\xff", b"1e999", b"nan", b"\xc2\xb2", b"9" * 5000, b"!", b":", b"."]
            )
        )

    harvest = read(bytes(raw))

    for run in runs(harvest):
        assert run.answered <= (run.answered if run.sent is None else run.sent)
        assert run.loss is None or 0 <= run.loss <= 1
        assert run.min is None or run.max is None or run.min <= run.max
    for name, rows in harvest.rows.items():
        assert tables.problems(name, tables.frame(name, rows)) == []


@pytest.mark.parametrize(
    "line",
    [
        "RemotePort             : 4371",
        "PingReplyDetails (RTT) : 14 ms",
        "SourceAddress          : 10.77.1.10",
        "Raw packets sent: 5 (196B) | Rcvd: 2 (84B)",
        "Starting Nmap 7.93 ( https://nmap.org ) at 2026-11-22 18:38 UTC",
        "Tracing route to e2.lab.test [10.77.2.10]",
        "over a maximum of 30 hops:",
        "  1    <1 ms    <1 ms    <1 ms  10.77.1.1",
        "PING",
        "12:00:01 up 3 days",
        '*c xConfiguration IP DNS Hostname: "e1"',
    ],
)
def test_lines_of_others_are_not_claimed(line: str) -> None:
    assert READER.claims([line]) == 0
