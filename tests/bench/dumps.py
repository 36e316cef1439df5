"""How fast large dumps of a peer are read."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

from expdiag.scenarios import exports
from expdiag.scenarios.spec import AS_OF, healthy
from tests.bench import timing

RUNS = 3
_ZONE = (
    *(("Name", "zone of a branch"), ("Type", "Neighbor"), ("Neighbor Peer 1 Address", "10.1.2.7"), ("H323 Mode", "On")),
    *(("SIP Port", "5061"), ("SIP TLS Verify Mode", "Off"), ("HopCount", "15"), ("Neighbor Peer 2 Address", "")),
    ("Neighbor Authentication Password", "{cipher}abcdef"),
)


def _zones(numbers: Iterable[int]) -> list[tuple[str, str]]:
    """Return the leaves of zones with these indexes."""
    return [(f"Zones Zone {number} {word}", value) for number in numbers for word, value in _ZONE]


def write_dumps(folder: Path, megabytes: int) -> dict[str, Path]:
    """Write a configuration of many zones as text and as XML, and a status of as many as XML."""
    peer = healthy().peers[0]
    written = {}
    for name, leaves, print_ in (
        ("configuration text", exports.configuration(peer), exports.configuration_text),
        (
            "configuration XML",
            exports.configuration(peer),
            lambda found: exports.xml("Configuration", found, "X14.3.4"),
        ),
        ("status XML", exports.status(peer, AS_OF), lambda found: exports.xml("Status", found, "X14.3.4")),
    ):
        size_of_100 = len(print_(_zones(range(10_000, 10_100)))) - len(print_([]))
        many = _zones(range(10_000, 10_000 + megabytes * 100_000_000 // size_of_100))
        written[name] = folder / f"{name}.dump"
        written[name].write_text(print_([*leaves, *many]), encoding="utf-8")
    return written


def run(folder: Path, megabytes: int = 50) -> None:
    """Print how long the tables of each dump take, beside unpacking it, and how fast that is."""
    timing.head(f"dump of {megabytes} MB", "gzip -dc")
    for name, dump in write_dumps(folder, megabytes).items():
        packed = dump.with_suffix(".gz")
        packed.write_bytes(gzip.compress(dump.read_bytes(), 6))
        best = timing.in_turn(
            {"gzip": ("gzip", "-dc", packed), "tables": timing.tables(dump), "peers": timing.load(dump)}, RUNS
        )
        unpacking = best["gzip"].seconds
        speed = dump.stat().st_size / 1e6 / best["tables"].seconds
        timing.row(name, best["tables"].seconds, best["tables"].seconds / unpacking)
        timing.figure("", f"{speed:.0f} MB/s", "25 MB/s")
        timing.row("and the peers in it", best["peers"].seconds, best["peers"].seconds / unpacking)
