"""Cisco TMS: whether it manages the cluster, provisions it, and which version it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.peers import Peer
from expdiag.model.settings import Settings

# What a peer raises of the Provisioning Extension it is connected to: it fails, or is not secured
FAILED_ALARMS, UNSECURED_ALARM = (35009, 35010, 35011), 40027
# 15.13  v13.2.5  Cisco TMS 14.6.2 (build 1234)
_VERSION = re.compile(r"(?<![0-9.])(?P<numbers>[0-9]{1,4}(?:\.[0-9]{1,4}){0,3})(?![0-9])")


def version(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a version of TMS, without zeros at the end; None for a text that holds none."""
    match = _VERSION.search(text)
    if not match:
        return None
    numbers = [int(number) for number in match["numbers"].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers) or None


@dataclass(frozen=True, slots=True)
class Tms:
    """What the evidence and `case.toml` tell of TMS.

    Attributes:
        used: whether TMS manages the cluster.
        address: where, as an export or `case.toml` says.
        provisions: whether it replicates provisioning or FindMe data.
        stated: whether `case.toml`, and no export, tells that it is used or not.
        notes: what of this contradicts something else, as sentences; they belong into every verdict.
    """

    used: Fact[bool]
    address: Fact[str]
    provisions: Fact[bool]
    version: Fact[str]
    stated: bool
    notes: tuple[str, ...] = ()


def of_cluster(cluster: Cluster) -> Tms:
    """Return what is known of TMS. Give it to `Cluster.view`."""
    stated = cluster.facts.tms
    addressed = _exported(cluster, "tms_address")
    nothing: Fact[str] = Fact()
    shown = next((fact for fact in addressed.values() if fact.value), nothing)
    extension = extension_alarms(cluster)
    empty = bool(addressed) and len(addressed) == sum(peer.seen for peer in cluster.peers)
    notes = []
    if shown.value:
        used = Fact(True, shown.sources)
        if stated.used is False:
            notes.append(f"case.toml says that TMS is not used, but the external manager is {shown.value}")
    elif extension:
        used = Fact(True, tuple(extension.values()))
        if stated.used is False:
            notes.append("case.toml says that TMS is not used, but its Provisioning Extension raises alarms")
    elif stated.used is not None:
        used = Fact(stated.used, _sources(cluster, "tms.used"))
        if stated.used and empty:
            notes.append("case.toml says that TMS is used, and no peer has the address of an external manager")
    elif empty and not _provisions(cluster)[0].value:
        used = Fact(False, tuple(source for fact in addressed.values() for source in fact.sources))
    else:
        used = Fact(True, _sources(cluster, "tms")) if stated.address or stated.version else Fact()
    told = stated.used is not None and not shown.value and not extension
    provisions, contradicted = _provisions(cluster)
    address = shown if shown.value else _text(cluster, "address")
    return Tms(used, address, provisions, _text(cluster, "version"), told, (*notes, *contradicted))


def extension_alarms(cluster: Cluster) -> dict[tuple[str, int], int]:
    """Return the alarms of the Provisioning Extension that are up: their source by peer and number."""
    numbers = (*FAILED_ALARMS, UNSECURED_ALARM)
    return {
        (peer.name, number): alarm.source
        for peer in cluster.peers
        for number in numbers
        for alarm in peer.raised(number)
    }


def _provisions(cluster: Cluster) -> tuple[Fact[bool], tuple[str, ...]]:
    stated = cluster.facts.tms.provisioning
    exported = _exported(cluster, "device_provisioning")
    on = next((fact for fact in exported.values() if is_on(fact)), None)
    extension = extension_alarms(cluster)
    if on is not None or extension:
        why = (
            "Administration DeviceProvisioning is On" if on is not None else "its Provisioning Extension raises alarms"
        )
        note = f"case.toml says that TMS does not provision, but {why}"
        sources = on.sources if on is not None else tuple(extension.values())
        return Fact(True, sources), (note,) if stated is False else ()
    if stated is not None:
        return Fact(stated, _sources(cluster, "tms.provisioning")), ()
    if exported and len(exported) == len(cluster.peers) and all(fact.value for fact in exported.values()):
        return Fact(False, tuple(source for fact in exported.values() for source in fact.sources)), ()
    return Fact(), ()


def is_on(fact: Fact[str]) -> bool:
    """Whether a setting says On."""
    return (fact.value or "").strip().lower() in ("on", "true", "enabled")


def _exported(cluster: Cluster, field: str) -> dict[str, Fact[str]]:
    """Return what each peer's exports say of a field, of those that say anything."""
    return {peer.name: fact for peer in cluster.peers if (fact := _said(peer, field)).known}


def _said(peer: Peer, field: str) -> Fact[str]:
    settings: Settings = peer.settings
    return settings.value(field)


def _text(cluster: Cluster, key: str) -> Fact[str]:
    value: str | None = getattr(cluster.facts.tms, key)
    return Fact(value, _sources(cluster, f"tms.{key}")) if value else Fact()


def _sources(cluster: Cluster, key: str) -> tuple[int, ...]:
    source = cluster.facts.sources.get(key)
    return () if source is None else (source,)
