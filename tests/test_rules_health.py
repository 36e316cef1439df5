"""Each peer's clock and system key."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import expdiag
from expdiag import tables
from expdiag.evidence import SourceBook
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.intake import system_key
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest
from expdiag.scenarios import history
from expdiag.scenarios.spec import AS_OF, ClusterSpec, healthy
from tests.judging import changed, finding, outcomes
from tests.traffic import START, ethernet, ip, pcap, udp

ALL = ("e1", "e2", "e3")
Change = Callable[[ClusterSpec], ClusterSpec]


def peer(host: str, **fields: object) -> Change:
    return lambda cluster: cluster.changed(host, **fields)


def up(host: str, number: int) -> Change:
    return peer(host, alarms=(history.alarm(number),))


def said(value: str) -> Change:
    return peer("e2", state={"Time NTP Status": value})


FAULTS: dict[str, tuple[Change, dict[tuple[str, tuple[str, ...]], str], tuple[str, ...]]] = {
    "E07 no server": (peer("e2", ntp_servers=()), {("E07", ("e2",)): VIOLATION}, ("e2",)),
    "E07 no server answers, says the device": (up("e3", 25021), {("E07", ("e3",)): VIOLATION}, ("e3",)),
    "E07 apart from the other side": (up("e1", 25022), {("E07", ("e1",)): VIOLATION}, ("e1",)),
    "E07 a state that says no": (said("Unsynchronized"), {("E07", ("e2",)): VIOLATION}, ("e2",)),
    "E07 a state that says yes": (said("Synchronized"), {}, ()),
    "E13 a key that could not be updated": (up("e2", 40055), {("E13", ("e2",)): VIOLATION}, ("e2",)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_its_rules_and_no_other(case_of, name: str) -> None:
    change, expected, at_fault = FAULTS[name]
    sound = outcomes(case_of(healthy()))

    case = case_of(change(healthy()))

    assert changed(sound, outcomes(case)) == expected
    assert {who for f in expdiag.check(case) for who in f.verdict.at_fault} == set(at_fault)


def test_an_alarm_and_a_state_that_disagree_are_both_shown(case_of) -> None:
    case = case_of(up("e2", 25021)(said("Synchronized")(healthy())))
    found = finding(case, "E07", "e2")

    assert found.outcome == VIOLATION
    assert "25021" in found.verdict.reason
    assert "'Synchronized' all the same" in found.verdict.reason


CONFIGURATION = (
    '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration NTP Server 1 Address: "{0}"\n'
    + "".join(f'*c xConfiguration NTP Server {n} Address: ""\n' for n in range(2, 6))
    + "*c xConfiguration H323 Mode: On\n"
)
STATUS = (
    '*s SystemUnit: /\n     Product: "TANDBERG VCS"\n     Uptime: 9000\n     SystemTime: "2026-05-01 12:00:00"\n'
    '     Software:\n       Version: "{0}"\n*s/end\n'
)
REST_OF_STATUS = '*s IP: /\n     Protocol: "IPv4"\n*s/end\n{0}'
WARNINGS = (
    '*s Warnings: /\n     Warning 7:\n       ID: "x"\n       Reason: "{0}"\n       State: "Unacknowledged"\n*s/end\n'
)


@pytest.mark.parametrize(
    ("texts", "clock", "key"),
    [
        ({"c.txt": CONFIGURATION.format("10.0.0.9")}, UNKNOWN, UNKNOWN),
        ({"c.txt": CONFIGURATION.format("")}, VIOLATION, UNKNOWN),
        ({"c.txt": CONFIGURATION.format("10.0.0.9"), "s.txt": STATUS.format("X14.3.4")}, UNKNOWN, UNKNOWN),
        (
            {
                "c.txt": CONFIGURATION.format("10.0.0.9"),
                "s.txt": STATUS.format("X14.3.4") + REST_OF_STATUS.format(""),
            },
            PASS,
            PASS,
        ),
        (
            {
                "c.txt": CONFIGURATION.format("10.0.0.9"),
                "s.txt": STATUS.format("X8.10.4") + REST_OF_STATUS.format(""),
            },
            PASS,
            NOT_APPLICABLE,
        ),
        (
            {
                "c.txt": CONFIGURATION.format("10.0.0.9"),
                "s.txt": STATUS.format("X14.3.4")
                + REST_OF_STATUS.format(
                    WARNINGS.format("Failed to update key file - Failed to update system key file")
                ),
            },
            PASS,
            VIOLATION,
        ),
        (
            {
                "c.txt": CONFIGURATION.format("10.0.0.9"),
                "s.txt": STATUS.format("X14.3.4")
                + REST_OF_STATUS.format(
                    WARNINGS.format("NTP client failure - The system is unable to run the NTP client")
                ),
            },
            VIOLATION,
            PASS,
        ),
    ],
)
def test_what_parts_of_the_evidence_tell(files, texts: dict[str, str], clock: str, key: str) -> None:
    case = expdiag.load(files({f"e1/{name}": text for name, text in texts.items()}))

    assert finding(case, "E07", "e1").outcome == clock
    assert finding(case, "E13", "e1").outcome == key
    for number in ("E07", "E13"):
        verdict = finding(case, number, "e1").verdict
        assert bool(verdict.want) == (verdict.outcome == UNKNOWN)


def ntp(stratum: int | None, offset: float, count: int = 4) -> bytes:
    """Return a capture of requests of e1, with answers of a stratum and an offset in seconds, or without answers."""
    frames = []
    for n in range(count):
        at = START + n * 64_000_000_000
        since = at / 1e9 + 2_208_988_800

        def stamp(seconds: float) -> bytes:
            return struct.pack(">II", int(seconds), int(seconds % 1 * 2**32))

        ask = struct.pack(">BBbb", 0x23, 0, 6, -20) + bytes(36) + stamp(since)
        frames.append((at, ethernet(ip("10.0.1.11", "10.0.1.123", 17, udp(123, 123, ask)))))
        if stratum is not None:
            told = since + offset + 0.005
            answer = (
                struct.pack(">BBbb", 0x24, stratum, 6, -20)
                + bytes(12)
                + stamp(told - 9)
                + stamp(since)
                + stamp(told)
                + stamp(told)
            )
            frames.append((at + 10_000_000, ethernet(ip("10.0.1.123", "10.0.1.11", 17, udp(123, 123, answer)))))
    return pcap(frames)


@pytest.mark.parametrize(
    ("stratum", "offset", "outcome", "words"),
    [
        (2, 0.0, PASS, "10.0.1.123 answers"),
        (2, 5.0, VIOLATION, "5.0 s off that of 10.0.1.123"),
        (2, -0.5, PASS, "more than a clock that follows would be"),
        (None, 0.0, VIOLATION, "3 requests to 10.0.1.123 got no useful answer"),
        (16, 0.0, VIOLATION, "not synchronised itself"),
    ],
)
def test_what_a_capture_tells_of_a_clock(files, stratum: int | None, offset: float, outcome: str, words: str) -> None:
    case = expdiag.load(
        files(
            {
                "e1/c.txt": CONFIGURATION.format("10.0.1.123")
                + '*c xConfiguration Ethernet 1 IP V4 Address: "10.0.1.11"\n'
                + '*c xConfiguration SystemUnit Name: "x"\n',
                "e1/eth0_diagnostic_logging_tcpdump00_e1_2026.pcap": ntp(stratum, offset),
            }
        )
    )
    found = finding(case, "E07", "e1")

    assert (found.outcome, words in found.verdict.reason) == (outcome, True), found.verdict.reason


def test_a_clock_that_differs_from_all_others_is_not_passed_unseen(case_of) -> None:
    change = "xconfiguration clusterConfiguration tls_verify - changed from: Permissive to: Enforcing"

    def logged(host: str, late: float) -> history.History:
        when = AS_OF - timedelta(hours=2) + timedelta(seconds=late)
        words = f'UTCTime="{when:%Y-%m-%d %H:%M:%S},000" Event="System Configuration Changed" Node="clusterdb@{host}" '
        return {host: [(when, f'{words}PID="<0.3.0>" Detail="{change}"')]}

    cluster = history.with_history(healthy(), logged("e1", 0), logged("e2", 0), logged("e3", 9))
    case = case_of(cluster)

    assert [finding(case, "E07", host).outcome for host in ALL] == [PASS, PASS, UNKNOWN]
    assert "9.0 s ahead of that of e1" in finding(case, "E07", "e3").verdict.reason


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("[root@e2 ~]# /sbin/verify-syskey\n[root@e2 ~]# \n", PASS),
        ("~ # /sbin/verify-syskey\n~ # \n", PASS),
        ("~ # /sbin/verify-syskey\nsystem key mismatch\n~ # \n", VIOLATION),
        ("~ # /sbin/verify-syskey\nsystem key mismatch\n", VIOLATION),
        ("~ # /sbin/verify-syskey\n", UNKNOWN),
        ("~ # /sbin/verify-syskey\n-sh: /sbin/verify-syskey: not found\n~ # \n", UNKNOWN),
    ],
)
def test_what_verify_syskey_printed(files, text: str, outcome: str) -> None:
    case = expdiag.load(
        files({"e2/c.txt": CONFIGURATION.format("10.0.0.9").replace("e1", "e2"), "probes/e2/key.txt": text})
    )

    assert finding(case, "E13", "e2").outcome == outcome
    assert not [issue for issue in case.all_issues if issue.file == "probes/e2/key.txt"]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("~# /sbinverfy-k\nrot@e1[]\r$:x")))
def test_any_text_gives_rows_or_issues(text: str) -> None:
    data = f"~ # /sbin/verify-syskey\n{text}\n".encode()
    harvest = Harvest(SourceBook().open("x.txt"), "e1")
    system_key.READER.read(Member("x.txt", data, lambda _: b""), harvest)

    rows = harvest.rows["system_keys"]
    assert not tables.problems("system_keys", tables.frame("system_keys", rows, lambda _: None))
    assert len(rows) >= 1
