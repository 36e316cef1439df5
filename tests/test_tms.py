"""Cisco TMS: versions number by number; whether it is used and provisions, by what tells."""

from __future__ import annotations

import pytest

import expdiag
from expdiag.model.products import tms

NAMED = '*c xConfiguration IP DNS Hostname: "e1"\n*c xConfiguration SystemUnit Name: "a"\n'


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("13.2", (13, 2)),
        ("13.2.10", (13, 2, 10)),
        ("15.0", (15,)),
        ("v14.6.2", (14, 6, 2)),
        ("Cisco TMS 15.13.0 (build 4711)", (15, 13)),
        ("15", (15,)),
        ("unknown", None),
        ("", None),
        ("0", None),
    ],
)
def test_a_version_is_its_numbers(text: str, numbers: tuple[int, ...] | None) -> None:
    assert tms.version(text) == numbers


def test_versions_compare_by_number_and_not_by_letter() -> None:
    texts = ["9.1", "12.6", "12.10", "13.2", "13.2.2", "13.2.10", "13.10"]

    assert sorted(texts, key=lambda text: tms.version(text) or ()) == texts
    assert tms.version("13.2.0") == tms.version("13.2")


@pytest.mark.parametrize(
    ("dump", "stated", "used", "provisions"),
    [
        ('ExternalManager Address: "tms.example.com"', "", True, None),
        ('ExternalManager Address: "tms.example.com"', "used = false", True, None),
        ('ExternalManager Address: ""', "", False, None),
        ('ExternalManager Address: ""', "used = true\nprovisioning = false", True, False),
        ('SystemUnit Maintenance Mode: "Off"', "", None, None),
        ('SystemUnit Maintenance Mode: "Off"', 'address = "tms.example.com"', True, None),
        ('Administration DeviceProvisioning: "On"', "used = true\nprovisioning = false", True, True),
        ('Administration DeviceProvisioning: "Off"', "used = true", True, False),
        ('Administration DeviceProvisioning: "Off"', "used = true\nprovisioning = true", True, True),
    ],
)
def test_what_tells_that_it_is_used_and_provisions(
    files, dump: str, stated: str, used: bool | None, provisions: bool | None
) -> None:
    folder = files({"x.txt": f"{NAMED}*c xConfiguration {dump}\n", "case.toml": f"[tms]\n{stated}\n"})

    found = tms.of_cluster(expdiag.load(folder).cluster)

    assert (found.used.value, found.provisions.value) == (used, provisions)
    contradicted = (
        ("tms.example.com" in dump and stated == "used = false")
        or ('"On"' in dump)
        or ('Address: ""' in dump and bool(stated))
    )
    assert bool(found.notes) == contradicted
