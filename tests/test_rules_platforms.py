"""Type, version and platform by what peers show of themselves; appliances; editions; FIPS; the other side's size."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios import products
from expdiag.scenarios.spec import AS_OF, AlarmSpec, ClusterSpec, healthy
from tests.judging import changed, finding, outcomes
from tests.test_rules import ALL, everybody, folder_of, peer, without

C = ("c1", "c2", "c3")
JOINED = AS_OF - timedelta(days=3)
HARDWARE = (AlarmSpec(10005, "", "Unsuitable hardware warning", "Your current hardware does not meet"),)
_DATE = "2026-05-01 12:{:02}:00"


def appliance(serial: str, **fields: object) -> dict[str, object]:
    """Return what makes a peer an appliance."""
    return {"serial": serial, "hardware": "UCSC-C220-M5SX", "platform": None, **fields}


def mixed(version: str = "X12.6.4", type: str = "E", late: timedelta = timedelta(hours=-1)) -> ClusterSpec:
    """Return two CE1100 and a CE1200 that joined them, its type set so much later."""
    cluster = healthy(version=version, type=type, name="mixed")
    hosts = [p.host_name for p in cluster.peers]
    for number, host in enumerate(hosts[:2]):
        cluster = cluster.changed(host, **appliance(f"52D0000{number}"))
    return cluster.changed(hosts[2], **appliance("52E10001", events=products.set_up(type, JOINED, late)))


def log(host: str, minute: int, words: str) -> dict[str, str]:
    """Return a log of a peer with one record after its dumps."""
    time = _DATE.format(minute)
    record = f'{time.replace(" ", "T")}.000+00:00 {host} {words} UTCTime="{time},000"\n'
    return {f"more/loggingsnapshot_{host}_later.txt": record}


# --- R01


def test_an_alarm_tells_the_type_where_no_status_does(files) -> None:
    raised = peer("e3", alarms=(AlarmSpec(30009, "", "TURN relays installed", "TURN option key ignored"),))
    case = folder_of(files, raised(healthy()), lambda host, m: without(m, "xstat") if host == "e3" else m)

    found = finding(case, "R01")

    assert (found.outcome, found.verdict.at_fault) == (VIOLATION, ("e3",))
    assert "service setup" in found.verdict.fix
    assert "factory settings" in found.verdict.fix


def test_a_type_key_tells_the_type_before_it_was_a_setting(files) -> None:
    def without_flag(host: str, members: dict[str, bytes]) -> dict[str, bytes]:
        kept = without(members, "xstat")
        name, text = next((n, m) for n, m in members.items() if n.startswith("xstat") and n.endswith(".xml"))
        return {**kept, name: text.replace(b'<Expressway item="1">True</Expressway>', b"")}

    old = folder_of(files, healthy(version="X12.5.3"), without_flag)
    assert finding(old, "R01").outcome == PASS
    new = folder_of(files, healthy(version="X12.6"), without_flag)
    assert finding(new, "R01").outcome == UNKNOWN


def test_the_type_of_a_peer_that_only_its_zones_suggest_is_unknown(files) -> None:
    case = folder_of(files, healthy(type="C"), lambda host, m: without(m, "xstat") if host == "c2" else m)
    found = finding(case, "R01")

    assert found.outcome == UNKNOWN
    assert "zones of c2 suggest Expressway-C" in found.verdict.reason

    files({"case.toml": '[peers."c2"]\ntype = "C"\nplatform = "Medium"\n'})
    assert finding(expdiag.load(files({})), "R01").outcome == PASS


# --- R02


@pytest.mark.parametrize(
    ("version", "outcome"),
    [("x14.3.4", PASS), ("X14.3.40", VIOLATION), ("X14.3.4PreAlpha1", VIOLATION), ("X14.3.4.1", VIOLATION)],
)
def test_versions_are_the_same_to_the_last_number(case_of, version: str, outcome: str) -> None:
    assert finding(case_of(peer("e2", version=version)(healthy())), "R02").outcome == outcome


UPGRADED = 'management: Event="Upgrade" Detail="Upgrade to X14.3.5 completed" Level="1"'


def test_an_upgrade_after_the_dumps_leaves_it_open(case_of) -> None:
    case = case_of(healthy().with_files(log("e2", 30, UPGRADED)))
    found = finding(case, "R02")

    assert found.outcome == UNKNOWN
    assert "upgrade to X14.3.5 at 2026-05-01 12:30 UTC, after the dump" in found.verdict.reason
    assert [want.place for want in found.verdict.want] == ["e2"]


def test_an_upgrade_after_the_dumps_may_have_made_versions_one(case_of) -> None:
    cluster = everybody(version="X14.3.5")(healthy()).changed("e2", version="X14.3.4")

    assert finding(case_of(cluster), "R02").outcome == VIOLATION
    assert finding(case_of(cluster.with_files(log("e2", 30, UPGRADED))), "R02").outcome == UNKNOWN


def test_an_upgrade_before_the_dumps_is_in_them(case_of) -> None:
    assert finding(case_of(healthy().with_files(log("e2", 0, UPGRADED.replace("3.5", "3.4")))), "R02").outcome == PASS
    earlier = log("e2", 0, UPGRADED)
    (name, text) = next(iter(earlier.items()))
    case = case_of(healthy().with_files({name: text.replace("2026-05-01", "2026-04-01")}))

    assert finding(case, "R02").outcome == PASS


def test_a_build_is_a_hint_of_the_version_and_no_proof(files) -> None:
    def change(host: str, members: dict[str, bytes]) -> dict[str, bytes]:
        if host != "e2":
            return members
        kept = without(without(members, "xstat"), "xconf_dump_e2_2026-05-01_12:00:00.xml")
        status = b'*s SystemUnit: /\n     Software:\n       Build: "oak_v14.3.4_rc_2"\n*s/end\n\nOK\n'
        return {**kept, "xstat_dump_e2_2026-05-01_12:00:00.txt": status}

    found = finding(folder_of(files, healthy(), change), "R02")

    assert (found.outcome, "suggests X14.3.4" in found.verdict.reason) == (UNKNOWN, True)


# --- R04


@pytest.mark.parametrize(
    ("leaves", "outcome"),
    [
        ({"Hardware LogicalCores": "8", "Hardware MemoryTotal": "7976 MB"}, VIOLATION),
        ({"Hardware LogicalCores": "2", "Hardware MemoryTotal": "3902 MB"}, VIOLATION),
        ({"Hardware LogicalCores": "2", "Hardware MemoryTotal": "5967 MB"}, PASS),
        ({"Hardware LogicalCores": "2"}, UNKNOWN),
        ({"Hardware RegistrationLimit": "5000"}, VIOLATION),
        ({"SystemUnit Hardware DeploymentSize": "Medium deployment"}, PASS),
    ],
)
def test_the_size_of_a_machine_by_its_status(case_of, leaves: dict[str, str], outcome: str) -> None:
    cluster = peer("e2", platform=None, state=leaves)(healthy())

    assert finding(case_of(cluster), "R04").outcome == outcome


def test_the_deployment_of_an_appliance_by_its_limits(case_of) -> None:
    cluster = peer("e3", **appliance("52E10001", state={"Hardware RegistrationLimit": "2500"}))

    assert finding(case_of(cluster(healthy())), "R04").outcome == PASS


@pytest.mark.parametrize(
    ("serial", "sizes", "outcome"),
    [
        ("52E10000", ("Medium", "Medium"), PASS),
        ("52E10000", ("Medium", "Large"), VIOLATION),
        ("52E10000", ("Medium", None), UNKNOWN),
        ("52D00000", (None, "Large"), UNKNOWN),  # the guide describes this mixture of models
        ("52D00000", (None, "Medium"), PASS),
        ("52D00000", (None, None), PASS),
    ],
)
def test_appliances_by_how_they_are_set_up(
    case_of, serial: str, sizes: tuple[str | None, str | None], outcome: str
) -> None:
    two = healthy(2, version="X12.6", name="set").changed("e1", **appliance(serial, platform=sizes[0]))
    case = case_of(two.changed("e2", **appliance("52E10001", platform=sizes[1])))

    assert finding(case, "R04").outcome == outcome


@pytest.mark.parametrize(
    ("version", "size", "outcome"),
    [("X14.3.4", "Medium", UNKNOWN), ("X14.0.7", "Medium", PASS), ("X14.0.7", "Large", UNKNOWN)],
)
def test_the_alarm_on_hardware_is_wrong_for_one_size_of_one_release(
    case_of, version: str, size: str, outcome: str
) -> None:
    cluster = everybody(platform=size)(healthy(version=version, name="alarm"))
    case = case_of(peer("e2", alarms=HARDWARE)(cluster))
    found = finding(case, "R04")

    assert (found.outcome, "10005" in found.verdict.reason) == (outcome, True)
    assert changed(outcomes(case_of(cluster)), outcomes(case)) == ({("R04", ALL): UNKNOWN} if outcome != PASS else {})


def test_small_machines_are_told_what_a_cluster_gives_them(case_of) -> None:
    assert "no capacity" in finding(case_of(everybody(platform="Small")(healthy())), "R04").verdict.reason


# --- R48 to R51


@pytest.mark.parametrize("type_", ["C", "E"])
@pytest.mark.parametrize("version", ["X12.5.9", "X12.6.4", "X14.0.7", "X14.2.5"])
def test_mixed_appliances_without_a_fault(case_of, version: str, type_: str) -> None:
    case = case_of(mixed(version, type_))
    said = outcomes(case)
    last = [p.name for p in case.cluster.peers][2]

    # The log of the new appliance shows it join, those of the others do not reach that far back
    assert {number for (number, _), outcome in said.items() if outcome not in (PASS, NOT_APPLICABLE)} <= {"R13", "R14"}
    assert {number for number, peers in said if peers == (last,) and said[number, peers] == PASS} >= {
        "R48",
        "R49",
        "R51",
    }
    assert said["R50", tuple(p.name for p in case.cluster.peers)] == PASS


MIXED_FAULTS: dict[str, tuple[ClusterSpec, dict[tuple[str, tuple[str, ...]], str]]] = {
    "another type": (
        peer("e3", type="C")(mixed()),
        {("R01", ALL): VIOLATION, ("R48", ("e3",)): VIOLATION},
    ),
    "the type set after joining": (mixed(late=timedelta(hours=1)), {("R49", ("e3",)): VIOLATION}),
    "no log of the type": (peer("e3", events=())(mixed()), {("R49", ("e3",)): UNKNOWN}),
    "another version": (
        peer("e3", version="X12.6.3")(mixed()),
        {("R02", ALL): VIOLATION, ("R50", ALL): VIOLATION},
    ),
    "a release the old ones do not run": (
        everybody(version="X15.0", build="oak_v15.0_rc_1", option_keys=())(mixed()),
        {
            **{("R51", (p,)): VIOLATION for p in ("e1", "e2")},
            **{(rule, ALL): NOT_APPLICABLE for rule in ("R24", "R25")},
            ("E01", ALL): PASS,
        },
    ),
    "a release the new one does not run yet": (
        everybody(version="X12.5.4", build="oak_v12.5.4_rc_1")(mixed()),
        {("R51", ("e3",)): VIOLATION},
    ),
    "an alarm on old ones that run what was tolerated": (
        everybody(version="X14.0.7", build="oak_v14.0.7_rc_1")(peer("e1", alarms=HARDWARE)(mixed())),
        {},
    ),
    "an alarm on one that runs what it may": (peer("e3", alarms=HARDWARE)(mixed()), {("R51", ("e3",)): UNKNOWN}),
}


@pytest.mark.parametrize("name", MIXED_FAULTS)
def test_a_fault_of_mixed_appliances_changes_its_rules_and_no_other(case_of, name: str) -> None:
    cluster, expected = MIXED_FAULTS[name]
    delays = ("R07", "R08")  # another release, another limit

    found = changed(outcomes(case_of(mixed())), outcomes(case_of(cluster)))

    assert {key: outcome for key, outcome in found.items() if key[0] not in delays} == expected


def test_the_log_that_is_asked_for_settles_when_the_type_was_set(case_of) -> None:
    silent = peer("e3", events=())(mixed())
    (want,) = finding(case_of(silent), "R49", "e3").verdict.want
    assert "e3/loggingsnapshot_e3_configuration.txt" in want.text

    record = "{}+00:00 e3 {}\n"
    text = "".join(
        record.format(f"{when:%Y-%m-%dT%H:%M:%S}.000", words) for when, words in products.set_up("E", JOINED)
    )
    answered = silent.with_files({"e3/loggingsnapshot_e3_configuration.txt": text})

    assert finding(case_of(answered), "R49", "e3").outcome == PASS


def test_what_was_tolerated_is_told_with_its_date(case_of) -> None:
    case = case_of(mixed("X14.0.7"))

    assert "until 30 November 2023" in finding(case, "R51", "e1").verdict.reason
    assert "30 November" not in finding(case, "R51", "e3").verdict.reason


@pytest.mark.parametrize(
    ("serial", "version", "outcome"),
    [
        ("52E00001", "X8.11", VIOLATION),
        ("52E00001", "X8.11.4", PASS),
        ("52E10001", "X12.5.4", VIOLATION),
        ("52E10001", "X15.5", PASS),
        ("52E50001", "X14.3", VIOLATION),
        ("52E50001", "X14.3.1", PASS),
        ("52B00001", "X8.11.4", VIOLATION),
        ("52C00001", "X8.10.4", PASS),
        ("52D00001", "X14.3.4", UNKNOWN),
        ("52D00001", "X15.0", VIOLATION),
    ],
)
def test_a_cluster_of_one_model_is_held_against_its_range(case_of, serial: str, version: str, outcome: str) -> None:
    two = healthy(2, version=version, name="one").changed("e1", **appliance(serial))
    case = case_of(two.changed("e2", **appliance(f"{serial[:-1]}2")))

    assert {finding(case, "R51", p).outcome for p in ("e1", "e2")} == {outcome}
    assert finding(case, "R50").outcome == NOT_APPLICABLE
    assert finding(case, "R51", "e1").sources


def test_a_model_that_case_toml_states_may_be_of_either_revision(files) -> None:
    text = '*c xConfiguration IP DNS Hostname: "e1"\n'
    status = '*s SystemUnit: /\n     Software:\n       Version: "{}"\n*s/end\n\nOK\n'
    stated = {"case.toml": '[peers."e1"]\nplatform = "CE1200"\n', "e1/x.txt": text}

    between = finding(expdiag.load(files({**stated, "e1/s.txt": status.format("X12.5.2")})), "R51")
    assert (between.outcome, "revision" in between.verdict.reason) == (UNKNOWN, True)
    assert finding(expdiag.load(files({"e1/s.txt": status.format("X12.6")})), "R51").outcome == PASS
    assert finding(expdiag.load(files({"e1/s.txt": status.format("X8.10")})), "R51").outcome == VIOLATION


def test_a_platform_that_is_not_shown_leaves_appliances_open_where_it_may_be_one(files) -> None:
    case = folder_of(
        files, mixed(), lambda host, m: {n: c for n, c in m.items() if "xstat" not in n} if host == "e2" else m
    )
    said = outcomes(case)

    assert said["R48", ("e3",)] == PASS  # of the CE1100 that is shown
    assert said["R51", ("e2",)] == said["R48", ("e2",)] == said["R50", ALL] == UNKNOWN
    assert [w.place for w in finding(case, "R50").verdict.want] == ["e2"]


def test_a_machine_that_is_not_shown_is_no_ce1200_beside_virtual_machines(files) -> None:
    case = folder_of(
        files, peer("e2", platform=None)(healthy()), lambda host, m: without(m, "xstat") if host == "e2" else m
    )
    said = outcomes(case)

    assert said["R48", ("e2",)] == said["R49", ("e2",)] == said["R50", ALL] == NOT_APPLICABLE
    assert said["R51", ("e2",)] == UNKNOWN


def test_a_version_mix_of_appliances_while_upgrading_is_r03s(case_of) -> None:
    raised = (AlarmSpec(20008, "", "Cluster replication error", "an upgrade is in progress"),)
    case = case_of(peer("e3", version="X12.6.3", alarms=raised)(mixed()))

    assert [finding(case, number).outcome for number in ("R02", "R50")] == [PASS, PASS]


# --- E01


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ({"SystemUnit Product": "Cisco Expressway Select"}, VIOLATION),
        ({"SystemUnit Software Configuration ExpresswaySelect": "True"}, VIOLATION),
        ({"SystemUnit Software Name": "s42701"}, UNKNOWN),
        ({"SystemUnit Software Name": "S42700"}, PASS),
    ],
)
def test_expressway_select_beside_expressway(case_of, state: dict[str, str], outcome: str) -> None:
    case = case_of(peer("e2", state=state)(healthy()))

    assert finding(case, "E01").outcome == outcome
    assert changed(outcomes(case_of(healthy())), outcomes(case)) == ({("E01", ALL): outcome} if outcome != PASS else {})
    assert finding(case, "E01").verdict.at_fault == (("e2",) if outcome == VIOLATION else ())


def test_all_select_is_one_edition_and_there_was_none_before_a_release(case_of) -> None:
    select = everybody(state={"SystemUnit Product": "Cisco Expressway Select"})

    assert finding(case_of(select(healthy())), "E01").outcome == PASS
    older = finding(case_of(select(healthy(version="X14.0.7"))), "E01")
    assert (older.outcome, len(older.sources)) == (NOT_APPLICABLE, 3)


def test_the_edition_of_a_peer_without_a_status_is_asked_for(files) -> None:
    case = folder_of(files, healthy(), lambda host, m: without(m, "xstat") if host == "e2" else m)

    assert finding(case, "E01").outcome == finding(case, "E12").outcome == UNKNOWN
    assert [w.place for w in finding(case, "E01").verdict.want] == ["e2"]


# --- E12

COMPLIANCE = (
    AlarmSpec(40046, "", "FIPS140-2 compliance restriction", "Clustered systems are not FIPS140-2 compliant"),
)


@pytest.mark.parametrize("version", ["X8.11.4", "X14.3.4", "X15.5"])
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"fips": "on"}, "alarm 40046 is not up, though"),
        ({"fips": "on", "alarms": COMPLIANCE}, "alarm 40046 is up on e2"),
        ({"alarms": COMPLIANCE}, "the status of e2 says that the mode is off"),
    ],
)
def test_fips_mode_in_a_cluster(case_of, version: str, fields: dict[str, object], words: str) -> None:
    cluster = healthy(version=version, name="fips")
    case = case_of(peer("e2", **fields)(cluster))
    found = finding(case, "E12")

    assert (found.outcome, found.verdict.at_fault, words in found.verdict.reason) == (VIOLATION, ("e2",), True)
    assert changed(outcomes(case_of(cluster)), outcomes(case)) == {("E12", ALL): VIOLATION}


def test_fips_mode_of_one_alone_is_no_fault(case_of) -> None:
    assert finding(case_of(peer("e1", fips="on")(healthy(1))), "E12").outcome == NOT_APPLICABLE


# --- E18


@pytest.mark.parametrize(
    ("listed", "outcome"),
    [
        (("a.example.com", "b.example.com", "c.example.com"), PASS),
        (("a.example.com", "b.example.com"), VIOLATION),
        ((), UNKNOWN),
        (("c1.edge.example.com", "c2.edge.example.com"), UNKNOWN),  # peers of its own: another fault
    ],
)
def test_the_size_of_the_other_side(case_of, listed: tuple[str, ...], outcome: str) -> None:
    case = case_of(everybody(traversal_peers=listed)(healthy(type="C")))

    assert finding(case, "E18").outcome == outcome
    assert bool(finding(case, "E18").verdict.want) == (outcome == UNKNOWN)


def test_several_zones_of_other_sizes_leave_it_open(case_of) -> None:
    further = {f"Zones Zone 2 TraversalClient Peer {n} Address": f"x{n}.example.com" for n in range(1, 6)}
    two = everybody(traversal_peers=("a.example.com",), settings=further)

    assert finding(case_of(two(healthy(type="C"))), "E18").outcome == UNKNOWN


def test_where_the_size_of_the_other_side_does_not_matter(case_of) -> None:
    assert finding(case_of(healthy(type="C").stating("services", mra=False)), "E18").outcome == NOT_APPLICABLE
    assert "Expressway-E" in finding(case_of(healthy()), "E18").verdict.reason
    unstated = replace(healthy(type="C"), facts={"services": {"mra": None}})
    assert finding(case_of(unstated), "E18").outcome == UNKNOWN
    off = everybody(settings={"CollaborationEdge Enabled": "Off"})
    assert finding(case_of(off(healthy(type="C"))), "E18").outcome == NOT_APPLICABLE


# --- what contradicts, and what to do


def test_what_case_toml_says_against_an_export_is_shown(case_of) -> None:
    stated = healthy().stating('peers."e2"', type="C", platform="Large")
    case = case_of(peer("e2", platform="Medium")(stated))

    assert finding(case, "R01").outcome == finding(case, "R04").outcome == PASS
    assert "case.toml says C of e2" in finding(case, "R01").verdict.reason
    assert "case.toml says Large of e2" in finding(case, "R04").verdict.reason
    assert 'type = "C"' in {source.text for source in finding(case, "R01").sources}


def test_two_exports_of_other_versions_are_both_shown(files) -> None:
    def change(host: str, members: dict[str, bytes]) -> dict[str, bytes]:
        return {
            n: m.replace(b'version="X14.3.4"', b'version="X14.3.9"') if host == "e2" else m for n, m in members.items()
        }

    found = finding(folder_of(files, healthy(), change), "R02")

    assert (found.outcome, "says X14.3.9, and X14.3.4 counts" in found.verdict.reason) == (PASS, True)


@pytest.mark.parametrize(
    ("versions", "behind"),
    [
        ({"e2": "X14.3.3"}, ("e2",)),
        ({"e2": "X14.3.5"}, ("e1", "e3")),
        ({"e1": "X14.3.3"}, ("e1",)),
    ],
)
def test_all_are_brought_to_the_newest_version_the_primary_first(
    case_of, versions: dict[str, str], behind: tuple[str, ...]
) -> None:
    cluster = healthy()
    for host, version in versions.items():
        cluster = cluster.changed(host, version=version)
    verdict = finding(case_of(cluster), "R02").verdict

    assert verdict.log_in == behind
    assert ("on e1, the primary: upgrade it" in verdict.fix) == ("e1" in behind)


def test_a_release_too_old_for_a_direct_upgrade_goes_by_another(case_of) -> None:
    assert "X8.11.4 before" in finding(case_of(peer("e3", version="X8.10.4")(healthy())), "R02").verdict.fix
