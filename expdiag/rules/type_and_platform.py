"""Type and software version: what all peers must have in common, with their platform."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.history import procedures, upgrades
from expdiag.model.history.upgrades import Later
from expdiag.model.peers import Peer
from expdiag.model.versions import Release, change, of_build
from expdiag.rules import upgrading, want
from expdiag.rules.agreement import Agreement, compare, names, who
from expdiag.rules.contradictions import contradicted
from expdiag.rules.declare import passed, rule, steps, unknown, violation
from expdiag.rules.platforms import platforms_equivalent

_TYPE_OF_ZONE = {"traversalserver": "E", "traversalclient": "C"}


@rule("R01", compares=True)
def no_mixed_types(cluster: Cluster) -> Verdict:
    """All peers are Expressway-C, or all are Expressway-E.

    Why: the type decides what a node does with calls, zones and the outside; a cluster shares its configuration,
    which makes no sense across types.
    Passes: every peer's own export, or `case.toml`, gives one type. A status says it; up to X12.5 the option key of the
    Traversal Server does, too, and alarm 30009 is only raised on an Expressway-C.
    Violates: two types are met. From X12.6 on an option key says nothing about the type, and its absence never does.
    Unknown: a peer is without evidence of its type. Zones are told as a hint: traversal servers are on an
    Expressway-E, traversal clients on an Expressway-C.
    Not applicable: a cluster of one.
    """
    types = compare(cluster, lambda peer: peer.type)
    noted, against = contradicted(cluster, "type")
    evidence = (*types.evidence, *against)
    if types.differ:
        return violation(
            f"the cluster mixes types: {types.listing()}{noted}",
            evidence=evidence,
            at_fault=types.odd,
            measured=types.listing(),
            wanted="one type",
            fix=_of_one_type(cluster, types),
        )
    if types.silent:
        hints = "".join(map(_hint_of_type, types.silent))
        return unknown(
            f"nothing shows the type of {names(types.silent)}{hints}{noted}",
            want=[want.field(peer, "type") for peer in types.silent],
            evidence=evidence,
        )
    return passed(f"all peers are of one type: {types.listing()}{noted}", evidence=evidence)


def _of_one_type(cluster: Cluster, types: Agreement[str]) -> str:
    wanted = {fact.value for name, fact in types.said.items() if name not in types.odd}
    kind = f"Expressway-{wanted.pop()}" if len(wanted) == 1 and types.odd else "the type the others have"
    setting = change("type-is-a-setting")
    odd = [peer.version.value for peer in cluster.peers if peer.name in types.odd and peer.version.value]
    by_key = odd and not any(setting.holds(version) for version in odd)
    return steps(
        f"on the other peers: take {who(types.odd)} off the peer list (System > Clustering), and close the gap",
        f"on {who(types.odd)}: clear all peer fields in System > Clustering and restart; this resets it to factory "
        "settings, and certificate, key, trust store and LAN 2 are lost, so save what is needed before",
        f"on {who(types.odd)}: make it {kind} "
        + (
            "by the Traversal Server option key in Maintenance > Option keys"
            if by_key
            else "in Status > Overview > Run service setup"
        )
        + ", and restart it",
        f"on the primary, then on the other peers, then on {who(types.odd)}: add it to the peer list again, and "
        f"restart it",
    )


def _hint_of_type(peer: Peer) -> str:
    """Return what the zones of a peer suggest, for the end of a reason."""
    zones = {(fact.value or "").replace(" ", "").lower() for fact in peer.settings.values("zone_type").values()}
    suggested = {kind for zone, kind in _TYPE_OF_ZONE.items() if zone in zones}
    return f"; zones of {peer} suggest Expressway-{suggested.pop()}" if len(suggested) == 1 else ""


@rule("R02", compares=True)
def software_versions_match(cluster: Cluster) -> Verdict:
    """All peers run exactly the same software version.

    Why: the primary does not replicate to peers of another version.
    Passes: the version strings are equal to the last number; or they differ while an upgrade is evidently under
    way, which R03 judges.
    Violates: two versions outside an upgrade.
    Unknown: a peer's version is not in the evidence; equal versions come from different builds; or a log tells of an
    upgrade after the dump that shows the version.
    Not applicable: a cluster of one.
    """
    versions = compare(cluster, lambda peer: peer.version, key=_spelling)
    later = cluster.view(upgrades.after_the_dumps)
    otherwise, against = contradicted(cluster, "version")
    evidence = (*versions.evidence, *(told.source for told in later.values()), *against)
    noted = otherwise + "".join(
        f"; the log of {name} tells of an upgrade to {told.version} at {told.time:%Y-%m-%d %H:%M} UTC, after the dump"
        for name, told in later.items()
    )
    upgrade = procedures.upgrade_evidence(cluster)
    if versions.differ and upgrade is not None:
        return passed(
            f"versions differ while an upgrade is under way: {versions.listing()}; see R03{noted}",
            evidence=(*evidence, *upgrade),
        )
    if later and upgrade is None and _may_agree(versions, later) is versions.differ:
        return unknown(
            f"the dumps say {versions.listing()}{noted}",
            want=[want.bundle(peer) for peer in cluster.peers if peer.name in later],
            evidence=evidence,
        )
    if versions.differ:
        return violation(
            f"versions differ, and neither alarm 20008 nor case.toml tells of an upgrade: {versions.listing()}{noted}",
            evidence=evidence,
            at_fault=versions.odd,
            log_in=_behind(versions),
            measured=versions.listing(),
            wanted="one version",
            fix=_same_version(cluster, versions),
        )
    if versions.silent:
        return unknown(
            f"nothing shows the software version of "
            f"{names(versions.silent)}{''.join(map(_hint_of_version, versions.silent))}",
            want=[want.export(peer, "version") for peer in versions.silent],
            evidence=evidence,
        )
    builds = compare(cluster, lambda peer: peer.build)
    if builds.differ:
        return unknown(
            f"the version is the same but the builds differ: {builds.listing()}",
            want=[want.support("whether these builds may be clustered")],
            evidence=(*evidence, *builds.evidence),
        )
    return passed(f"all peers run one version: {versions.listing()}{noted}", evidence=evidence)


def _behind(versions: Agreement[Release]) -> list[str]:
    """Return the peers that run something older than the newest version there is."""
    newest = max(fact.value for fact in versions.said.values() if fact.value)
    return sorted(name for name, fact in versions.said.items() if fact.value and fact.value != newest)


def _same_version(cluster: Cluster, versions: Agreement[Release]) -> str:
    behind = _behind(versions)
    newest = max(fact.value for fact in versions.said.values() if fact.value)
    first = [name for name in behind if cluster.primary and name == cluster.primary.name]
    rest = [name for name in behind if name not in first]
    direct = change("direct-upgrade")
    old = [name for name in behind if (of := versions.said[name].value) and not direct.holds(of)]
    return steps(
        "change no configuration until all peers run one version, and make a backup of each (Maintenance > Backup and "
        "restore)",
        *([f"bring {who(old)} to {direct.since} before: no direct way leads to X12 and later"] if old else []),
        *(f"on {name}, the primary: upgrade it to {newest} (Maintenance > Upgrade)" for name in first),
        *([f"on {who(rest)}, one after the other: upgrade to {newest} (Maintenance > Upgrade)"] if rest else []),
        "wait ten minutes, then see that no alarm of the cluster is left",
    )


def _spelling(of: Release) -> object:
    return of.numbers, of.tail


def _may_agree(versions: Agreement[Release], later: dict[str, Later]) -> bool:
    """Whether all versions are one if the upgrades that logs tell of count."""
    said = {name: fact.value for name, fact in versions.said.items()}
    said |= {name: told.version for name, told in later.items()}
    return len(set(said.values())) == 1


def _hint_of_version(peer: Peer) -> str:
    built = of_build(peer.build.value or "")
    return f"; the build of {peer}, {peer.build.value}, suggests {built}" if built else ""


RULES = (no_mixed_types, software_versions_match, upgrading.version_mix_only_while_upgrading, platforms_equivalent)
