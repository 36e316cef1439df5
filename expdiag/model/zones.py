"""Zones of each peer and the addresses they lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from expdiag.model.cluster import Cluster
from expdiag.model.dumps import REST, XML, Dump, configurations

# Zones Zone 3 Neighbor Peer 1 Address   Zones Zone 3 Name
_LEAF = re.compile(r"zones zone (?P<zone>[0-9]{1,9}) (?P<rest>name|type|(?P<kind>\w+) peer [0-9]{1,9} address)", re.I)
# provisioning/common/zone/neighborzone 1 PeerAddress 2   provisioning/edge/zone/traversalserver 1 Name
_ANSWER = re.compile(
    r"provisioning/\w+/zone/(?P<kind>\w+)(?: (?P<zone>[0-9]{1,9}))? (?P<rest>name|peer_?address(?: [0-9]{1,9})?)", re.I
)


class Zone(NamedTuple):
    """A zone to other systems.

    Attributes:
        name: its name, else its number.
        kind: `Neighbor`, `TraversalClient`, …, as the export prints it; empty where it does not.
        addresses: where it leads to, each with its source; names as they are configured.
    """

    name: str
    kind: str
    addresses: tuple[tuple[str, int], ...]


class Zones(NamedTuple):
    """The zones of one peer; `sample` is the source of a setting of zones, None where none is printed."""

    zones: tuple[Zone, ...]
    sample: int | None
    complete: bool


def zones(cluster: Cluster) -> dict[str, Zones]:
    """Return the zones of each peer by its name; what the most complete of its exports shows counts."""
    dumps = cluster.view(configurations)
    found: dict[str, Zones] = {}
    for peer in cluster.peers:
        for form in (XML, "text", REST):
            dump = dumps.get((peer.name, form))
            if dump and (shown := _of(dump)).sample is not None:
                found.setdefault(peer.name, shown)
    return found


def _of(dump: Dump) -> Zones:
    sample = None
    parts: dict[str, dict[str, list[tuple[str, int]]]] = {}
    for path, value, source in _leaves(dump):
        sample = source if sample is None else sample
        leaf = (_ANSWER if dump.form == REST else _LEAF).fullmatch(path)
        if leaf and value:
            number = f"{leaf['kind'] if dump.form == REST else ''} {leaf['zone'] or 1}".strip()
            part = leaf["rest"].split()[0].lower() if dump.form == REST or not leaf["kind"] else "address"
            part = "address" if part.startswith("peer") else part
            parts.setdefault(number, {}).setdefault(part, []).append((value, source))
            if leaf["kind"]:
                parts[number].setdefault("kind", [(leaf["kind"], source)])
    return Zones(tuple(_zone(number, said) for number, said in parts.items()), sample, dump.complete)


def _leaves(dump: Dump) -> Iterator[tuple[str, str, int]]:
    paths, values = dump.columns()
    for number, path in enumerate(paths):
        if path[:5].lower() == "zones" or (dump.form == REST and "/zone/" in path):
            yield path, values[number], dump.source(number)


def _zone(number: str, said: dict[str, list[tuple[str, int]]]) -> Zone:
    name = said.get("name", [(number, 0)])[0][0]
    kind = (said.get("type") or said.get("kind") or [("", 0)])[0][0]
    return Zone(name, kind, tuple(said.get("address", ())))
