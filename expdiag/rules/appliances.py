"""Physical appliances: mixed models in one cluster, and the releases each model runs."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.history import procedures
from expdiag.model.history.joining import Joining
from expdiag.model.peers import Peer
from expdiag.model.products.platforms import Support, Unit, is_appliance, unit, units_of
from expdiag.model.versions import Release, change
from expdiag.rules import want
from expdiag.rules.agreement import compare, names
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

NEWER, OLDER = "CE1200", "CE1100"
HARDWARE_ALARM = 10005
_SETUP = "Status > Overview > Run service setup"


def _may_be(peer: Peer, model: str) -> bool:
    """Whether a peer is a model, as far as the evidence excludes nothing else."""
    if peer.platform.known:
        return peer.platform.value == model
    return not peer.is_virtual.value


def _is(peer: Peer, model: str) -> bool:
    return peer.platform.value == model


def _platforms(cluster: Cluster) -> tuple[int, ...]:
    return tuple(source for peer in cluster.peers for source in (peer.platform.sources or peer.is_virtual.sources))


def _not_mixed(cluster: Cluster, peer: Peer) -> Verdict | None:
    """Return what is said of a peer that is no CE1200 beside a CE1100, or may be one; None where it is one."""
    others = [other for other in cluster.peers if other is not peer]
    if not _may_be(peer, NEWER):
        what = peer.platform.value or "a virtual machine"
        return not_applicable(f"it is no {NEWER}: {what}", evidence=peer.platform.sources or peer.is_virtual.sources)
    if not any(_may_be(other, OLDER) for other in others):
        return not_applicable(f"no {OLDER} is in the cluster", evidence=_platforms(cluster))
    hidden = [p for p in (peer, *others) if not p.platform.known and _may_be(p, OLDER)]
    if _is(peer, NEWER) and any(_is(other, OLDER) for other in others):
        return None
    return unknown(
        f"nothing shows the platform of {names(tuple(hidden))}, so a {NEWER} may have joined a {OLDER}",
        want=[want.export(hid, "serial") for hid in hidden],
        evidence=_platforms(cluster),
    )


@rule("R48")
def ce1200_type_matches(cluster: Cluster, peer: Peer) -> Verdict:
    """A CE1200 that joins CE1100 appliances is of their type, Expressway-C or Expressway-E.

    Why: the type is set on each unit by hand and never replicates.
    Passes: its type is that of every CE1100 in the cluster.
    Violates: it is another one; R01 is then broken, too.
    Unknown: its type, that of a CE1100, or a platform is not in the evidence.
    Not applicable: it is no CE1200, or no CE1100 is in the cluster.
    """
    settled = _not_mixed(cluster, peer)
    if settled:
        return settled
    older = tuple(other for other in cluster.peers if _is(other, OLDER))
    types = {other.type.value for other in older if other.type.known}
    evidence = [*peer.type.sources, *(s for other in older for s in other.type.sources), *_platforms(cluster)]
    listing = ", ".join(f"{other} is {other.type.value or 'not shown'}" for other in older)
    if peer.type.known and types - {peer.type.value}:
        wanted = next(filter(None, types)) if len(types) == 1 else "the type of the others"
        return violation(
            f"this {NEWER} is of type {peer.type.value}, but of the {OLDER} appliances {listing}; see R01, too",
            evidence=evidence,
            at_fault=[peer.name],
            measured=peer.type.value,
            wanted=wanted,
            fix=_type_again(peer, wanted),
            cite="Cluster guide X12.6 and X14.3, Clustering Requirements",
        )
    silent = tuple(each for each in (peer, *older) if not each.type.known)
    if silent:
        return unknown(
            f"nothing shows the type of {names(silent)}",
            want=[want.field(each, "type") for each in silent],
            evidence=evidence,
        )
    return passed(
        f"this {NEWER} is of type {peer.type.value}, as the {OLDER} appliances are",
        evidence=evidence,
        measured=peer.type.value,
        wanted=peer.type.value,
    )


def _type_again(peer: Peer, wanted: str) -> str:
    return steps(
        f"on the other peers: take {peer} off the peer list (System > Clustering), and close the gap",
        f"on {peer}: clear all peer fields in System > Clustering and restart it; this resets it to factory settings, "
        "and certificate, key, trust store and LAN 2 are lost, so save what is needed before",
        f"on {peer}: set the type to {wanted} in {_SETUP}, then restart it",
        f"on the primary, then on the other peers, then on {peer}: add {peer} to the peer list (System > Clustering)",
        f"restart {peer}, and wait until its database status is Active",
    )


@rule("R49")
def ce1200_type_set_before_joining(cluster: Cluster, peer: Peer) -> Verdict:
    """A CE1200 that joins CE1100 appliances got its type before it joined.

    Why: a change of the type afterwards leaves configuration that was replicated for the other type.
    Passes: its log has the change of the type before the first change of the peer list.
    Violates: its log has the change of the type after it was in the peer list.
    Unknown: its log does not reach back to both. No document shows how a log tells of the type: a change whose item
    names the type, or the service setup, and whose value is one counts.
    Not applicable: it is no CE1200, or no CE1100 is in the cluster.
    """
    settled = _not_mixed(cluster, peer)
    if settled:
        return settled
    joining = Joining.of(cluster, peer)
    typed, joined = joining.typed, joining.joined
    evidence = [change.source for change in (typed, joined) if change is not None]
    if typed is None or joined is None:
        missing = [what for what, change in (("type", typed), ("peer list", joined)) if change is None]
        return unknown(
            f"no log of it shows the change of its {' and of its '.join(missing)}",
            want=[want.configuration_log(peer)],
            evidence=evidence,
        )
    told = f"the type was set at {joining.when(typed)}, the peer list at {joining.when(joined)}"
    if joining.too_late:
        return violation(
            f"its type was set after it was in the peer list: {told}",
            evidence=evidence,
            at_fault=[peer.name],
            measured=joining.when(typed),
            wanted=f"before {joining.when(joined)}",
            fix=_type_again(peer, peer.type.value or "that of the others"),
            cite="Cluster guide X12.6 and X14.3, Clustering Requirements",
        )
    return passed(
        f"its type was set before it joined: {told}",
        evidence=evidence,
        measured=joining.when(typed),
        wanted=f"before {joining.when(joined)}",
    )


@rule("R50", compares=True)
def mixed_appliances_same_version(cluster: Cluster) -> Verdict:
    """Appliances of different models in one cluster run one software version.

    Why: the primary does not replicate to peers of another version, and a backup restores onto the same version only.
    Passes: all appliances run one version; or versions differ while an upgrade is evidently under way, see R03.
    Violates: they differ outside an upgrade; R02 is then broken, too.
    Unknown: a platform, or the version of an appliance, is not in the evidence.
    Not applicable: the cluster holds no two models of appliances; a cluster of one.
    """
    appliances = [p for p in cluster.peers if p.platform.value and is_appliance(p.platform.value)]
    hidden = [peer for peer in cluster.peers if not peer.platform.known and not peer.is_virtual.value]
    models = {peer.platform.value for peer in appliances}
    if len(models) < 2 and not (hidden and len(models) + len(hidden) > 1):
        what = f"the only model of appliances is {models.pop()}" if models else "no peer is an appliance"
        return not_applicable(f"appliances are not mixed: {what}", evidence=_platforms(cluster))
    mixed = {peer.name for peer in appliances}
    versions = compare(
        cluster, lambda peer: peer.version if peer.name in mixed else peer.version.map(lambda _: None), _spelling
    )
    listing = "; ".join(f"{peer} ({peer.platform.value}) runs {peer.version.value or '?'}" for peer in appliances)
    evidence = [*versions.evidence, *_platforms(cluster)]
    if len(models) > 1 and versions.differ:
        upgrade = procedures.upgrade_evidence(cluster)
        if upgrade is not None:
            return passed(f"versions differ while an upgrade is under way, see R03: {listing}", [*evidence, *upgrade])
        return violation(
            f"appliances of different models run different versions, see R02, too: {listing}",
            evidence=evidence,
            at_fault=versions.odd,
            measured=versions.listing(),
            wanted="one version",
            fix=steps(
                "choose a version that all models support, none older than the newest that runs: "
                + "; ".join(
                    f"{made.name} {made.range}" for model in sorted(filter(None, models)) for made in units_of(model)
                ),
                "upgrade all peers that do not run it yet (Maintenance > Upgrade), the primary first where it is among "
                "them, then one peer at a time; take none back to an older version",
            ),
            cite="Administrator Guide, Expressway Interfaces, software versions by hardware",
        )
    silent = [peer for peer in appliances if not peer.version.known]
    if hidden or silent:
        asked = {peer.name: peer for peer in (*hidden, *silent)}
        return unknown(
            f"not in the evidence: platform or version of {names(tuple(asked.values()))}",
            want=[want.export(peer, "serial" if peer in hidden else "version") for peer in asked.values()],
            evidence=evidence,
        )
    return passed(f"all appliances run one version: {listing}", evidence=evidence)


def _spelling(of: Release) -> object:
    return of.numbers, of.tail


@rule("R51")
def appliance_supports_version(cluster: Cluster, peer: Peer) -> Verdict:
    """An appliance runs a release that its model supports.

    Why: the software does not prevent an unsupported downgrade or upgrade, and no later fix is made for it.
    Passes: the release is in the range of its serial number. X12.6 on a CE1100 had limited support, X14.0 and X14.2
    were tolerated on it for security fixes, until 30 November 2023: told, no violation. From X15.4 the list of
    platforms names hypervisors only, while the table of appliances says "onwards": told, too.
    Violates: the release is before or after the range.
    Unknown: serial number or version is not in the evidence; a CE1200 of which the revision would tell; X14.1 and X14.3
    on a CE1100, of which the sources say different things; alarm 10005 on an appliance whose release is in the range.
    Not applicable: it is a virtual machine; whether that has the resources it needs is R04's.
    """
    size = peer.platform.value if peer.platform.value and not is_appliance(peer.platform.value) else ""
    if size or peer.is_virtual.value:
        alarms = [alarm.source for alarm in peer.raised(HARDWARE_ALARM)]
        return not_applicable(
            f"it is a virtual machine{f' ({size})' if size else ''}" + ("; of alarm 10005 see R04" if alarms else ""),
            evidence=[*(peer.is_virtual.sources or peer.platform.sources), *alarms],
        )
    silent = [name for name, fact in (("serial", peer.platform), ("version", peer.version)) if not fact.known]
    version = peer.version.value
    if silent or version is None or peer.platform.value is None:
        words = {"serial": "its serial number and platform", "version": "its software version"}
        return unknown(
            f"not in the evidence: {' and '.join(words[name] for name in silent)}",
            want=[want.export(peer, silent[0])],
            evidence=[*peer.platform.sources, *peer.version.sources],
        )
    own = unit(peer.serial.value or "")
    units = [own] if own and own.model == peer.platform.value else list(units_of(peer.platform.value))
    return _supported(cluster, peer, version, units)


def _supported(cluster: Cluster, peer: Peer, version: Release, units: list[Unit]) -> Verdict:
    """Hold a release against the range of a unit, or of all revisions of a model where the revision is not known."""
    alarms = [alarm.source for alarm in peer.raised(HARDWARE_ALARM)]
    evidence = [*(peer.serial.sources or peer.platform.sources), *peer.version.sources, *alarms]
    said = {made.name: made.supports(version) for made in units}
    results = {support for support, _, _ in said.values()}
    unit_, (support, why, cite) = next(iter(said.items()))
    compared = {"measured": str(version), "wanted": units[0].range}
    if len(results) > 1:
        ranges = "; ".join(f"{made.name} runs {made.range}" for made in units)
        return unknown(
            f"its revision is not in the evidence and would tell whether it runs {version}: {ranges}",
            want=[want.export(peer, "serial")],
            evidence=evidence,
            **compared,
        )
    if support is Support.NO:
        return violation(
            f"a {unit_} runs {why}, and not {version}",
            evidence=evidence,
            at_fault=[peer.name],
            fix=_other_version(cluster, peer),
            cite=cite,
            **compared,
        )
    if support is Support.UNSURE:
        return unknown(
            f"{version} on a {unit_}: {why} ({cite})",
            want=[want.support(f"whether {version} is supported on a {unit_}")],
            evidence=evidence,
            **compared,
        )
    notes = [f"{why} ({cite})"] if support is Support.FOR_A_TIME else []
    if support is Support.YES and alarms:
        return unknown(
            f"a {unit_} runs {why}, but alarm 10005 says that its hardware does not suit {version}",
            want=[want.support(f"why alarm 10005 is up on a {unit_} with {version}")],
            evidence=evidence,
            **compared,
        )
    doubtful = change("appliances-doubtful")
    if doubtful.holds(version):
        notes.append(f"from {doubtful.since} {doubtful.what} ({doubtful.cite}), so ask before the next upgrade")
    if (peer.settings.value("series").value or "").lower() == "false" and peer.platform.value == NEWER:
        notes.append("its status says VCS, which a CE1200 does not support (CE1200 Appliance Installation Guide)")
    noted = "".join(f"; {note}" for note in notes)
    return passed(
        f"a {unit_} runs {why if not notes or support is Support.YES else version}{noted}", evidence, **compared
    )


def _other_version(cluster: Cluster, peer: Peer) -> str:
    return steps(
        f"plan with the other peers which version all units support; {peer} cannot stay in a cluster that needs "
        f"another",
        f"replace {peer} by a unit or a virtual machine that runs it: take it off the peer lists (System > "
        "Clustering), and add the new one as the guide describes; or bring all peers to a version it runs, which "
        "needs a backup of that version, because a backup restores onto the same version only",
    )


RULES = (
    ce1200_type_matches,
    ce1200_type_set_before_joining,
    mixed_appliances_same_version,
    appliance_supports_version,
)
