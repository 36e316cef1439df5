"""Option keys: the same on all peers but for licences that may differ; by release and by way of licensing."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios.spec import AlarmSpec, ClusterSpec, healthy
from tests.judging import changed, finding, outcomes
from tests.test_rules import ALL, Change, everybody, folder_of, peer, without

LICENSING = "rest/{}/status/common/smartlicensing/licensing.json"


def of(version: str) -> ClusterSpec:
    """Return a healthy cluster of a release."""
    return healthy(version=version, name="keys")


def also(host: str, *codes: str) -> Change:
    """Return a change that gives one peer further option keys."""
    return lambda c: c.changed(host, option_keys=(*keys_of(c, host), *codes))


def but(host: str, *codes: str) -> Change:
    """Return a change that takes option keys from one peer."""
    return lambda c: c.changed(host, option_keys=tuple(code for code in keys_of(c, host) if code not in codes))


def keys_of(cluster: ClusterSpec, host: str) -> tuple[str, ...]:
    return next(p.option_keys for p in cluster.peers if p.host_name == host)


def everyone_also(*codes: str) -> Change:
    """Return a change that gives every peer further option keys."""
    return lambda c: replace(c, peers=tuple(p.changed(option_keys=(*p.option_keys, *codes)) for p in c.peers))


def both(*changes: Change) -> Change:
    """Return several changes as one."""

    def change(cluster: ClusterSpec) -> ClusterSpec:
        for each in changes:
            cluster = each(cluster)
        return cluster

    return change


BROKEN, OPEN = {("R24", ALL): VIOLATION}, {("R24", ALL): UNKNOWN, ("R25", ALL): UNKNOWN}
# release, change, what changes, who is at fault
FAULTS: dict[str, tuple[str, Change, dict[tuple[str, tuple[str, ...]], str], set[str]]] = {
    "a feature too many": ("X8.11.4", also("e2", "J00"), BROKEN, {"e2"}),
    "a feature too few": ("X8.11.4", but("e3", "L00"), BROKEN, {"e3"}),
    "the primary has none": ("X8.11.4", but("e1", "G00"), BROKEN, {"e2", "e3"}),
    "TURN relays on one": ("X8.11.4", also("e2", "I1800"), BROKEN, {"e2"}),
    "the series": ("X8.11.4", but("e2", "E00"), BROKEN, {"e2"}),
    "FindMe": ("X12.6", also("e3", "U00"), BROKEN, {"e3"}),
    "HSM with smart licensing off": ("X14.0.7", also("e3", "H00"), BROKEN, {"e3"}),
    "rich media sessions": ("X8.11.4", both(but("e1", "Y5"), also("e1", "Y20")), {}, set()),
    "rooms and desktops": ("X8.11.4", both(also("e1", "A10"), also("e2", "B100"), also("e3", "A5", "A5")), {}, set()),
    "calls of a VCS": ("X8.11.4", both(also("e1", "W10"), also("e2", "V100")), {}, set()),
    "on without a key": ("X12.6", both(also("e1", "L00", "G00"), also("e2", "T00", "I1800")), {}, set()),
    "more TURN relays": (
        "X8.11.4",
        both(everyone_also("I500"), also("e2", "I1300")),
        {("R24", ALL): UNKNOWN, ("R25", ALL): UNKNOWN},
        set(),
    ),
    "VCS registrations": ("X8.11.4", also("e2", "R500"), OPEN, set()),
    "a letter nobody knows": ("X8.11.4", also("e2", "Q00"), OPEN, set()),
    "keys where none count": ("X14.3.4", also("e2", "J00", "Y5"), {}, set()),
    "one of every kind": (
        "X8.11.4",
        both(also("e2", "J00", "R500"), also("e3", "Y5")),
        {("R24", ALL): VIOLATION, ("R25", ALL): UNKNOWN},
        {"e2"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_difference_changes_these_rules_and_no_other(case_of, name: str) -> None:
    version, change, expected, at_fault = FAULTS[name]
    before = outcomes(case_of(of(version)))

    case = case_of(change(of(version)))

    assert changed(before, outcomes(case)) == expected
    assert {who for f in expdiag.check(case) for who in f.verdict.at_fault} == at_fault


@pytest.mark.parametrize("version", ["X8.11", "X8.11.4", "X12.5.3", "X12.5.4", "X12.6", "X14.0.7"])
def test_the_same_keys_pass(case_of, version: str) -> None:
    case = case_of(of(version))

    assert [finding(case, number).outcome for number in ("R24", "R25")] == [PASS, PASS]
    assert finding(case, "R24").sources


@pytest.mark.parametrize("version", ["X14.2", "X15.0", "X15.5"])
def test_there_are_no_keys_from_a_release_on(case_of, version: str) -> None:
    found = finding(case_of(of(version)), "R24")

    assert (found.outcome, version in found.verdict.reason, bool(found.sources)) == (NOT_APPLICABLE, True, True)


def test_the_type_key_between_two_sources_passes_and_both_are_told(case_of) -> None:
    found = finding(case_of(but("e3", "T00")(of("X12.5.7"))), "R24")

    assert found.outcome == PASS
    assert "X12.5.4" in found.verdict.reason
    assert "Product identifiers" in found.verdict.reason


def test_a_missing_key_is_fixed_on_the_peer_without_it_by_a_key_of_its_own(case_of) -> None:
    verdict = finding(case_of(but("e3", "L00")(of("X8.11.4"))), "R24").verdict

    assert "on e3: add a key for Advanced Networking (L00)" in verdict.fix
    assert "serial number 0A1B2C03" in verdict.fix
    assert verdict.log_in == ("e3",)
    assert "ABCDEF" not in verdict.reason


def test_exempt_licences_are_told_with_their_numbers(case_of) -> None:
    found = finding(case_of(both(but("e1", "Y5"), also("e1", "Y20"))(of("X8.11.4"))), "R25")

    assert "rich media sessions: Y20 on e1, Y5 on e2, e3" in found.verdict.reason


def test_a_change_that_waits_for_a_restart_is_told(case_of) -> None:
    alarmed = peer(
        "e2", alarms=(AlarmSpec(30025, "", "Restart required", "An option key or the type has been changed"),)
    )

    assert "e2 has to be restarted" in finding(case_of(alarmed(of("X8.11.4"))), "R24").verdict.reason


def test_keys_that_are_not_shown_are_asked_for_and_the_answer_settles_it(files) -> None:
    cluster = of("X8.11.4")
    case = folder_of(files, cluster, lambda host, m: without(m, "xconf") if host == "e2" else m)
    found = finding(case, "R24")

    assert (found.outcome, finding(case, "R25").outcome) == (UNKNOWN, UNKNOWN)
    assert [want.place for want in found.verdict.want] == ["e2"]

    answer = json.dumps([{"Key": f"116341{code}-1-0000000{n}"} for n, code in enumerate(keys_of(cluster, "e2"))])
    assert finding(expdiag.load(files({"rest/e2/provisioning/optionkey.json": answer})), "R24").outcome == PASS


def test_what_is_missing_on_two_counts_though_a_third_is_silent(files) -> None:
    cluster = also("e1", "J00")(of("X8.11.4"))

    case = folder_of(files, cluster, lambda host, m: without(m, "xconf") if host == "e2" else m)

    assert finding(case, "R24").outcome == VIOLATION


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("REGISTERED", NOT_APPLICABLE), ("REGISTERED - EXPIRED", NOT_APPLICABLE), ("UNREGISTERED", PASS), ("Off", PASS)],
)
def test_smart_licensing_on_all_peers_needs_no_keys(case_of, state: str, outcome: str) -> None:
    answer = json.dumps({"Registration": {"RegistrationStatus": state}})
    smart = of("X14.0.7").with_files({LICENSING.format(host): answer for host in ALL})

    assert [finding(case_of(smart), number).outcome for number in ("R24", "R25")] == [outcome] * 2


def test_two_ways_of_licensing_are_a_violation(case_of) -> None:
    answer = json.dumps({"Registration": {"RegistrationStatus": "REGISTERED"}})
    mixed = but("e1", "Y5")(but("e2", "Y5")(of("X14.0.7")))
    mixed = mixed.with_files({LICENSING.format(host): answer for host in ("e1", "e2")})
    case = case_of(mixed)

    assert finding(case, "R24").verdict.at_fault == ("e3",)
    assert changed(outcomes(case_of(of("X14.0.7"))), outcomes(case)) == {
        ("R24", ALL): VIOLATION,
        ("R25", ALL): NOT_APPLICABLE,
    }


def test_keys_beside_smart_licensing_prove_nothing_of_the_others(case_of) -> None:
    answer = json.dumps({"Registration": {"RegistrationStatus": "REGISTERED"}})
    some = of("X14.0.7").with_files({LICENSING.format("e1"): answer})
    case = case_of(some)
    found = finding(case, "R24")

    assert (found.outcome, [want.place for want in found.verdict.want]) == (UNKNOWN, ["e2", "e3"])

    settled = some.with_files({LICENSING.format(host): answer for host in ("e2", "e3")})
    assert finding(case_of(settled), "R24").outcome == NOT_APPLICABLE


def test_peers_before_an_upgrade_are_compared_with_each_other_only(case_of) -> None:
    newer = peer("e1", version="X14.2.1", option_keys=())
    alone = both(newer, peer("e2", version="X14.2.1", option_keys=()))

    assert finding(case_of(newer(of("X14.0.7"))), "R24").outcome == PASS
    assert finding(case_of(both(newer, also("e2", "J00"))(of("X14.0.7"))), "R24").outcome == VIOLATION
    assert "see R02" in finding(case_of(alone(of("X14.0.7"))), "R24").verdict.reason


def test_no_key_on_any_peer_passes(case_of) -> None:
    assert finding(case_of(everybody(option_keys=())(of("X14.0.7"))), "R24").outcome == UNKNOWN
    none = everybody(option_keys=(), settings={"Option 1 Key": ""})(of("X14.0.7"))

    assert finding(case_of(none), "R24").outcome == PASS


KINDS = ("T00", "L00", "J00", "P00", "I500", "I1800", "R100", "Y5", "Y10", "W3")


def by_hand(keys: list[set[str]]) -> str:
    """Return what R24 has to say of peers of X8.11.4, from the table of the reference."""
    letters = [{code[0] for code in own} for own in keys]
    if any(letter in own and letter not in other for letter in "TLJPI" for own in letters for other in letters):
        return VIOLATION
    counts = [{code for code in own if code[0] in "RI"} for own in keys]
    return PASS if all(own == counts[0] for own in counts) else UNKNOWN


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sets(st.sampled_from(KINDS)), min_size=3, max_size=3))
def test_any_keys_are_judged_as_by_hand_whatever_the_order(sets: list[set[str]]) -> None:
    said = []
    for names in (("e1", "e2", "e3"), ("x3", "x2", "x1")):
        with tempfile.TemporaryDirectory() as folder:
            for name, own in zip(names, sets, strict=True):
                lines = [f'IP DNS Hostname: "{name}"', 'Option 64 Key: ""']
                lines += [f'Option {n} Key: "116341{code}-1-{name * 4}"' for n, code in enumerate(sorted(own), start=1)]
                text = "".join(f"*c xConfiguration {line}\n" for line in lines)
                (Path(folder) / name).mkdir()
                (Path(folder) / name / "x.txt").write_text(text)
                status = '*s SystemUnit: /\n     Software:\n       Version: "X8.11.4"\n*s/end\n\nOK\n'
                (Path(folder) / name / "s.txt").write_text(status)
            said.append(finding(expdiag.load(folder), "R24").outcome)

    assert said == [by_hand(sets)] * 2
