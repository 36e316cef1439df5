"""Appliances by serial number and the releases they run; the size of a virtual machine by what a status shows."""

from __future__ import annotations

import pytest

import expdiag
from expdiag.model.products.platforms import Support, is_false_alarm, size_by, unit, units_of
from expdiag.model.versions import release

NAMED = '*c xConfiguration IP DNS Hostname: "e1"\n'
YES, NO, FOR_A_TIME, UNSURE = Support.YES, Support.NO, Support.FOR_A_TIME, Support.UNSURE


@pytest.mark.parametrize(
    ("serial", "name"),
    [
        ("52E50001", "CE1300"),
        ("52e10001", "CE1200 revision 2"),
        ("52E0ABCD", "CE1200 revision 1"),
        ("52D12345", "CE1100"),
        ("52B00001", "CE1000"),
        ("52C00001", "CE500"),
        ("52E70001", None),
        ("017DB2D0", None),
        ("", None),
    ],
)
def test_units_by_serial_number(serial: str, name: str | None) -> None:
    found = unit(serial)

    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("hardware", "serial", "platform", "virtual"),
    [
        ("VMware", "52E10001", None, True),
        ("", "017DB2D0", None, True),
        ("", "52E10001", "CE1200", None),
        ("", "FCH1234V5AB", None, None),
        ("Cisco CE1300 Appliance", "", "CE1300", False),
        ("UCSC-C220-M5SX", "", None, False),
        ("", "", None, None),
    ],
)
def test_what_a_machine_is_by_what_is_shown_of_it(
    files, hardware: str, serial: str, platform: str | None, virtual: bool | None
) -> None:
    status = (
        "*s SystemUnit: /\n     Hardware:\n"
        f'       Version: "{hardware}"\n       SerialNumber: "{serial}"\n*s/end\n\nOK\n'
    )
    (peer,) = expdiag.load(files({"e1/s.txt": status, "e1/x.txt": NAMED})).cluster.peers

    assert (peer.platform.value, peer.is_virtual.value) == (platform, virtual)


# The table of section 7 of the reference, by hand
@pytest.mark.parametrize(
    ("serial", "by_version"),
    [
        ("52E5", {"X14.3": NO, "X14.3.1": YES, "X15.5": YES, "X12.6": NO}),
        ("52E1", {"X12.5.4": NO, "X12.5.5": YES, "X14.0.7": YES, "X8.11.4": NO}),
        ("52E0", {"X8.11": NO, "X8.11.1": YES, "X12.5.4": YES, "X15.0": YES}),
        (
            "52D",
            {
                **{"X8.11.4": YES, "X12.5.9": YES, "X12.6.4": FOR_A_TIME, "X14.0.7": FOR_A_TIME},
                **{"X14.2.5": FOR_A_TIME, "X14.1": UNSURE, "X14.3.4": UNSURE, "X15.0": NO, "X12.7": UNSURE},
            },
        ),
        ("52B", {"X8.10.4": YES, "X8.11": NO, "X12.5": NO}),
        ("52C", {"X8.10": YES, "X8.11.4": NO}),
    ],
)
def test_releases_by_unit(serial: str, by_version: dict[str, Support]) -> None:
    found = unit(serial + "0001")
    assert found is not None

    assert {text: found.supports(of)[0] for text in by_version if (of := release(text))} == by_version


def test_a_model_may_have_several_revisions() -> None:
    assert {made.name for made in units_of("CE1200")} == {"CE1200 revision 1", "CE1200 revision 2"}
    assert [*units_of("Medium")] == []


@pytest.mark.parametrize(
    ("measures", "size"),
    [
        ({"processors": "2", "memory": "5967 MB"}, "Medium"),
        ({"processors": "2", "memory": "3.8 GB"}, "Small"),
        ({"processors": "8", "memory": "8167684 kB"}, "Large"),
        ({"processors": "8", "memory": "8,192 MB"}, "Large"),
        ({"processors": "2", "memory": "6110560"}, "Medium"),
        ({"processors": "2", "memory": "8167684 kB"}, None),
        ({"processors": "4", "memory": "5967 MB"}, None),
        ({"processors": "2"}, None),
        ({"memory": "8 GB"}, None),
        ({"registrations": "2500"}, "Medium"),
        ({"registrations": "2000", "relays": "1800"}, "Small"),
        ({"registrations": "5000", "calls": "500"}, "Large"),
        ({"registrations": "5000", "calls": "100"}, None),
        ({"relays": "1800"}, None),
        ({"registrations": "many"}, None),
        ({}, None),
    ],
)
def test_the_size_that_all_measures_fit(measures: dict[str, str], size: str | None) -> None:
    assert size_by(measures) == size


def test_the_alarm_that_is_known_to_be_wrong() -> None:
    of = {text: release(text) for text in ("X14.0.7", "X14.0.8", "X14")}

    assert is_false_alarm(of["X14.0.7"], "Medium")
    assert not is_false_alarm(of["X14.0.7"], "Large")
    assert not is_false_alarm(of["X14.0.8"], "Medium")
    assert not is_false_alarm(of["X14"], "Medium")
