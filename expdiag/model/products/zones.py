"""Where the zones of each peer lead to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from expdiag.model.cluster import Cluster
from expdiag.model.drift.dumps import FORMS, REST, Dump, configurations

# Zones Zone 3 Neighbor Peer 1 Address
_OF_DUMP = re.compile(r"(?P<zone>zones zone [0-9]{1,9}) (?P<kind>\w+) peer [0-9]{1,9} address", re.I)
# provisioning/common/zone/neighborzone 1 PeerAddress 2
_OF_REST = re.compile(
    r"(?P<zone>provisioning/\w+/zone/(?P<kind>\w+)(?: [0-9]{1,9})?) peer_?address(?: [0-9]{1,9})?", re.I
)
_ENDS = ("Address", "address", "ADDRESS")


class Target(NamedTuple):
    """One system a zone leads to.

    Attributes:
        zone: name of the zone, else its number.
        kind: `Neighbor`, `TraversalClient`, …, as the export prints it.
        text: address or name, as it is configured.
        source: where that stands.
    """

    zone: str
    kind: str
    text: str
    source: int


class Zones(NamedTuple):
    """The zones of one peer, as the most complete of its exports shows them.

    Attributes:
        targets: where they lead to.
        sample: source of any setting of zones, None where none is printed.
        complete: the export shows no sign that its end is missing.
    """

    targets: tuple[Target, ...]
    sample: int | None
    complete: bool


def zones(cluster: Cluster) -> dict[str, Zones]:
    """Return the zones of each peer by its name; a peer whose exports print none is left out."""
    dumps = cluster.view(configurations)
    found: dict[str, Zones] = {}
    for peer in cluster.peers:
        for form in FORMS:
            dump = dumps.get((peer.name, form))
            if dump and peer.name not in found and (sample := dump.first(_is_of_zones)) is not None:
                found[peer.name] = Zones(_targets(dump), sample, dump.complete)
    return found


def _is_of_zones(path: str) -> bool:
    return path[:6].lower() == "zones " or "/zone/" in path


def _targets(dump: Dump) -> tuple[Target, ...]:
    paths, values = dump.columns()
    pattern = _OF_REST if dump.form == REST else _OF_DUMP
    places = (
        range(len(paths))
        if dump.form == REST
        else [number for number, path in enumerate(paths) if path.endswith(_ENDS) and values[number]]
    )
    found = []
    for number in places:
        leaf = pattern.fullmatch(paths[number])
        if leaf and values[number]:
            found.append((number, leaf["zone"], leaf["kind"]))
    titles = _titles(paths, values, {zone for _, zone, _ in found})
    return tuple(Target(titles[zone], kind, values[at], dump.source(at)) for at, zone, kind in found)


def _titles(paths: Sequence[str], values: Sequence[str], of: set[str]) -> dict[str, str]:
    """Return the names of zones by their paths, their numbers where they have none."""
    wanted = {f"{zone} name".lower(): zone for zone in of}
    titles = {zone: zone.rpartition(" ")[2] for zone in of}
    for number in [number for number, path in enumerate(paths) if path.endswith(("Name", "name", "NAME"))]:
        zone = wanted.get(paths[number].lower())
        if zone and values[number]:
            titles[zone] = values[number]
    return titles
