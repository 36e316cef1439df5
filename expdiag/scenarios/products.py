"""What made-up peers are: their option keys, the size of their machine, the zone to the other side, their set-up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

_SIZES = {"Small": (2, 3_902, 2000), "Medium": (2, 5_967, 2500), "Large": (8, 7_976, 5000)}  # MiB as a system shows it


def option_keys(version: str, type: str) -> tuple[str, ...]:
    """Return what the option keys of a peer of some release and type open; from X14.2 there are none."""
    numbers = tuple(int(number) for number in version.lstrip("Xx").split(".")[:3])
    if numbers >= (14, 2):
        return ()
    if numbers >= (12, 6):
        return ("Y5",)
    series = ("E00", "G00", "L00", "Y5") if numbers < (12, 5, 4) else ("E00", "Y5")
    return tuple(sorted(("T00", *series) if type == "E" else series))


def keys(codes: Iterable[str], host: str) -> list[tuple[str, str]]:
    """Return option keys as a configuration prints them; the digits are made of the host, as they are of a serial."""
    return [
        (f"Option {n} Key", f"116341{code}-1-{hashlib.sha256(f'{host} {code}'.encode()).hexdigest()[:8].upper()}")
        for n, code in enumerate(codes, start=1)
    ]


def traversal_peers(size: int, type: str, domain: str) -> tuple[str, ...]:
    """Return the Expressway-E peers that the zone of an Expressway-C lists, as many as there are of its own kind."""
    return tuple(f"edge{number}.{domain}" for number in range(1, size + 1)) if type == "C" else ()


def traversal_zone(peers: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the zone as a configuration prints it."""
    if not peers:
        return []
    listed = [*peers, *[""] * (6 - len(peers))]
    return [
        ("Zones Zone 1 Name", "To the edge"),
        *((f"Zones Zone 1 TraversalClient Peer {n} Address", entry) for n, entry in enumerate(listed, start=1)),
        ("Zones Zone 1 Type", "TraversalClient"),
    ]


def hardware(hardware: str, platform: str | None) -> list[tuple[str, str]]:
    """Return what a status tells of the size of a virtual machine."""
    if platform not in _SIZES or hardware != "VMware":
        return []
    cores, memory, registrations = _SIZES[platform]
    return [
        ("Hardware LogicalCores", str(cores)),
        ("Hardware MemoryTotal", f"{memory} MB"),
        ("Hardware Limits Registrations", str(registrations)),
    ]


def set_up(type: str, joined: datetime, late: timedelta = timedelta(hours=-1)) -> tuple[tuple[datetime, str], ...]:
    """Return the records of a node that got its type and joined, the type so much later than it joined."""
    typed, other = joined + late, "C" if type == "E" else "E"
    return (
        (typed, _changed(typed, f"configuration/system/type - changed from: '{other}' to: '{type}'")),
        (joined, _changed(joined, "xconfiguration alternatesConfiguration - Changed")),
    )


def _changed(when: datetime, detail: str) -> str:
    return (
        f'httpd[15060]: web: Event="System Configuration Changed" Detail="{detail}" Src-ip="10.0.1.30" '
        f'Src-port="53155" User="admin" Level="1" UTCTime="{when:%Y-%m-%d %H:%M:%S}" '
    )
