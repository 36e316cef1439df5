"""Cisco TMS: its version with and without provisioning, and Provisioning Extension mode."""

from __future__ import annotations

import pytest

import expdiag
from expdiag.findings import NOT_APPLICABLE, PASS, UNKNOWN, VIOLATION
from expdiag.scenarios.spec import AlarmSpec, ClusterSpec, healthy
from tests.judging import changed, finding, outcomes
from tests.test_rules import ALL, everybody, peer

RULES = ("R45", "R46", "R47")
SOUND = {"used": True, "version": "15.13", "provisioning": True, "provisioning_extension_mode": True}


def using(**facts: object) -> ClusterSpec:
    """Return a healthy cluster that TMS manages."""
    return healthy(2, name="tms").stating("tms", **facts)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (SOUND, (PASS, NOT_APPLICABLE, PASS)),
        ({**SOUND, "version": "13.2"}, (PASS, NOT_APPLICABLE, PASS)),
        ({**SOUND, "version": "13.2.10"}, (PASS, NOT_APPLICABLE, PASS)),
        ({**SOUND, "version": "13.1.9"}, (VIOLATION, NOT_APPLICABLE, PASS)),
        ({**SOUND, "version": "9.9"}, (VIOLATION, NOT_APPLICABLE, PASS)),
        ({**SOUND, "provisioning_extension_mode": False}, (PASS, NOT_APPLICABLE, VIOLATION)),
        ({**SOUND, "version": None}, (UNKNOWN, NOT_APPLICABLE, PASS)),
        ({**SOUND, "provisioning_extension_mode": None}, (PASS, NOT_APPLICABLE, UNKNOWN)),
        ({"used": True, "version": "13.1", "provisioning": False}, (NOT_APPLICABLE, PASS, NOT_APPLICABLE)),
        ({"used": True, "version": "12.6", "provisioning": False}, (NOT_APPLICABLE, PASS, NOT_APPLICABLE)),
        ({"used": True, "version": "12.5.9", "provisioning": False}, (NOT_APPLICABLE, VIOLATION, NOT_APPLICABLE)),
        ({"used": True, "version": None, "provisioning": False}, (NOT_APPLICABLE, UNKNOWN, NOT_APPLICABLE)),
        ({"used": True, "version": "15.13"}, (PASS, PASS, UNKNOWN)),
        ({"used": True, "version": "13.1"}, (UNKNOWN, PASS, UNKNOWN)),
        ({"used": True, "version": "12.1"}, (UNKNOWN, VIOLATION, UNKNOWN)),
        ({"used": True}, (UNKNOWN, UNKNOWN, UNKNOWN)),
        ({"used": True, "version": "the newest", "provisioning": True}, (UNKNOWN, NOT_APPLICABLE, UNKNOWN)),
        ({"used": False}, (NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE)),
    ],
)
def test_what_is_stated_of_it_is_judged_and_nothing_else_changes(case_of, facts, expected: tuple[str, ...]) -> None:
    before = outcomes(case_of(healthy(2, name="tms")))

    case = case_of(using(**facts))
    said = outcomes(case)

    assert tuple(said[number, ("e1", "e2")] for number in RULES) == expected
    assert {number for number, _ in changed(before, said)} <= {*RULES, "R30", "R31"}  # whose names lead to it
    for number in RULES:
        verdict = finding(case, number).verdict
        assert bool(verdict.want) == (verdict.outcome == UNKNOWN)


def test_an_external_manager_says_that_it_is_used_whatever_is_stated(case_of) -> None:
    managed = everybody(settings={"ExternalManager Address": "tms.example.com"})(using(used=False))
    found = finding(case_of(managed), "R46")

    assert found.outcome == UNKNOWN
    assert "case.toml says that TMS is not used" in found.verdict.reason
    assert {source.text for source in found.sources} >= {'<Address item="1">tms.example.com</Address>'}


def test_nothing_said_of_it_is_asked_for(files) -> None:
    text = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration H323 Mode: On\n'
    case = expdiag.load(files({"x.txt": text}))

    assert {finding(case, number).outcome for number in RULES} == {UNKNOWN}
    assert {str(w) for n in RULES for w in finding(case, n).verdict.want} == {
        "note in case.toml whether Cisco TMS manages the cluster: [tms] used = true or false"
    }

    settled = expdiag.load(files({"case.toml": "[tms]\nused = false\n"}))
    assert {finding(settled, number).outcome for number in RULES} == {NOT_APPLICABLE}


def test_an_empty_external_manager_needs_no_statement(files) -> None:
    text = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration ExternalManager Address: ""\n'

    found = finding(expdiag.load(files({"x.txt": text})), "R45")

    assert (found.outcome, len(found.sources)) == (NOT_APPLICABLE, 1)


@pytest.mark.parametrize(
    ("number", "outcome"), [(35009, VIOLATION), (35010, VIOLATION), (35011, VIOLATION), (40027, PASS)]
)
def test_alarms_of_the_extension(case_of, number: int, outcome: str) -> None:
    raised = (AlarmSpec(number, "", "any", "any"),)
    before = outcomes(case_of(using(**SOUND)))
    case = case_of(peer("e2", alarms=raised)(using(**SOUND)))
    found = finding(case, "R47")

    assert (found.outcome, f"{number} on e2" in found.verdict.reason) == (outcome, True)
    assert changed(before, outcomes(case)) == ({("R47", ("e1", "e2")): VIOLATION} if outcome == VIOLATION else {})


def test_an_alarm_of_the_extension_says_that_tms_provisions(case_of) -> None:
    raised = peer("e2", alarms=(AlarmSpec(35009, "", "any", "any"),))
    case = case_of(raised(using(used=False, version="13.1")))

    assert [finding(case, number).outcome for number in RULES] == [VIOLATION, NOT_APPLICABLE, VIOLATION]
    assert "case.toml says that TMS is not used" in finding(case, "R47").verdict.reason


def test_provisioning_services_of_a_peer_need_the_later_version(case_of) -> None:
    on = everybody(settings={"Administration DeviceProvisioning": "On"})
    case = case_of(on(using(used=True, version="13.1", provisioning=False)))

    assert [finding(case, number).outcome for number in RULES[:2]] == [VIOLATION, NOT_APPLICABLE]
    assert "DeviceProvisioning is On" in finding(case, "R45").verdict.reason
    assert ALL[0] in finding(case, "R45").subject.peers
