"""What a cluster as a whole has to be: one edition, not in FIPS mode, as large as the one on the other side."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.peers import Peer
from expdiag.model.products.traversal import far_ends, uses_mra
from expdiag.model.versions import change
from expdiag.rules import want
from expdiag.rules.agreement import compare, names, who
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation

FIPS_ALARM = 40046
_ON, _OFF = ("on", "true", "enabled", "active"), ("off", "false", "disabled", "inactive")


def _edition(peer: Peer) -> Fact[str]:
    """Return whether an export calls a peer Expressway Select, where it says anything of it."""
    said = peer.settings.value("select")
    if said.value:
        select = said.value.strip().lower() in _ON or "select" in said.value.lower()
        return Fact("Expressway Select" if select else "Expressway", said.sources)
    product = peer.settings.value("product")
    if product.value and "select" in product.value.lower():
        return Fact("Expressway Select", product.sources)
    return Fact("Expressway", product.sources) if product.value else Fact()


@rule("E01", compares=True)
def no_expressway_select_mix(cluster: Cluster) -> Verdict:
    """Expressway and Expressway Select are not mixed in one cluster.

    Why: they are different images, with other limits of encryption.
    Passes: no export calls one peer Select and another not, and all run the same software image. No document names a
    field that tells Select: product, edition and the name of the image are compared.
    Violates: a peer's product or edition is Select, another's is not.
    Unknown: product or image of a peer is not in the evidence, or the names of the images differ.
    Not applicable: releases before X14.2, of which there is no Select; a cluster of one.
    """
    versions = [peer.version.value for peer in cluster.peers]
    version_sources = [source for peer in cluster.peers for source in peer.version.sources]
    select = change("expressway-select")
    if all(of is not None and not select.holds(of) for of in versions):
        return not_applicable(f"there is no Expressway Select before {select.since}", evidence=version_sources)
    editions = compare(cluster, _edition)
    images = compare(cluster, lambda peer: peer.settings.value("software_name"), lambda name: name.strip().lower())
    evidence = (*editions.evidence, *images.evidence)
    if editions.differ:
        return violation(
            f"Expressway and Expressway Select are mixed: {editions.listing()}",
            evidence=evidence,
            at_fault=editions.odd,
            measured=editions.listing(),
            wanted="one edition",
            fix=steps(
                f"take {who(editions.odd)} off the peer lists of the others (System > Clustering)",
                f"on {who(editions.odd)}: deploy the edition of the others anew, with the same release; an upgrade to "
                "another edition is not described",
                "add it again as the guide describes",
            ),
            cite="Cluster guide X14.3, Clustering Requirements",
        )
    silent = tuple(peer for peer in cluster.peers if peer in editions.silent or peer in images.silent)
    if silent:
        return unknown(
            f"nothing shows product and software image of {names(silent)}",
            want=[want.export(peer, "software_name") for peer in silent],
            evidence=evidence,
        )
    if images.differ:
        return unknown(
            f"the software images have different names, which may mean that one is Select: {images.listing()}",
            want=[want.support("which of these images is Expressway Select")],
            evidence=evidence,
        )
    edition = next(iter(editions.said.values())).value
    return passed(f"all peers are {edition} by product, and run the image {images.listing()}", evidence=evidence)


def _fips_on(peer: Peer) -> Fact[bool]:
    words = {**dict.fromkeys(_ON, True), **dict.fromkeys(_OFF, False)}
    return peer.settings.value("fips_mode").map(lambda text: words.get(text.strip().lower()))


@rule("E12", compares=True)
def fips_mode_not_clustered(cluster: Cluster) -> Verdict:
    """No peer of a cluster is in FIPS140-2 mode.

    Why: what peers exchange is not compliant with it.
    Passes: the status of every peer says that the mode is off.
    Violates: alarm 40046 is up, or the mode is on. The text is that of X15.0; that of other releases is not known, and
    where the mode is on without the alarm both are told.
    Unknown: the mode of a peer is not in the evidence.
    Not applicable: a cluster of one, which is not clustered with anybody.
    """
    modes = {peer.name: _fips_on(peer) for peer in cluster.peers}
    alarms = {peer.name: alarm.source for peer in cluster.peers for alarm in peer.raised(FIPS_ALARM)}
    evidence = [*alarms.values(), *(source for fact in modes.values() for source in fact.sources)]
    on = sorted(name for name, fact in modes.items() if fact.value)
    if on or alarms:
        told = [f"FIPS140-2 mode is on at {', '.join(on)}"] if on else []
        told += [f"alarm 40046 is up on {', '.join(alarms)}" if alarms else "alarm 40046 is not up, though"]
        off = sorted(name for name in alarms if modes[name].value is False)
        told += [f"the status of {', '.join(off)} says that the mode is off"] if off else []
        at_fault = sorted({*on, *alarms})
        return violation(
            f"a cluster is not FIPS140-2 compliant: {'; '.join(told)}",
            evidence=evidence,
            at_fault=at_fault,
            measured="on",
            wanted="off",
            fix=steps(
                "decide whether the mode or the cluster is needed; the two do not go together",
                f"without the mode: turn FIPS140-2 off on {', '.join(at_fault)} in Maintenance > Advanced security, "
                "and restart them one after the other, the primary first",
                "without the cluster: disband it as the guide describes. Clearing all peer fields of a peer resets "
                "it to factory settings, so save what is needed before",
            ),
            cite="Administrator Guide X15.0, Alarms Reference, 40046",
        )
    silent = tuple(peer for peer in cluster.peers if not modes[peer.name].known)
    if silent:
        return unknown(
            f"the status of {names(silent)} does not show the FIPS140-2 mode",
            want=[want.export(peer, "fips_mode") for peer in silent],
            evidence=evidence,
        )
    return passed("FIPS140-2 mode is off on all peers", evidence=evidence, measured="off", wanted="off")


@rule("E18")
def traversal_pair_same_size(cluster: Cluster) -> Verdict:
    """For Mobile and Remote Access the clusters of Expressway-C and Expressway-E have equally many peers.

    Why: each side has to carry what the other passes on; advice of old, relaxed for hosted multitenant systems.
    Passes: a traversal client zone of this Expressway-C lists as many peers as this cluster has. Whether their machines
    are of one size no export of this side shows.
    Violates: its only traversal client zone lists another number.
    Unknown: whether Mobile and Remote Access is on, the type, or the zones are not in the evidence; or several zones
    list other numbers.
    Not applicable: no Mobile and Remote Access; an Expressway-E, whose exports do not show how many Expressway-C there
    are: the case of the Expressway-C cluster tells.
    """
    mra = uses_mra(cluster)
    if mra.value is False:
        return not_applicable("Mobile and Remote Access is off", evidence=mra.sources)
    types = {peer.type.value for peer in cluster.peers if peer.type.known}
    type_sources = [source for peer in cluster.peers for source in peer.type.sources]
    if types == {"E"}:
        return not_applicable(
            "exports of an Expressway-E do not show how many Expressway-C there are; judge the case of that cluster",
            evidence=type_sources,
        )
    if len(types) > 1:
        return not_applicable("the cluster mixes types, see R01", evidence=type_sources)
    if mra.value is None:
        return unknown(
            "nothing shows whether Mobile and Remote Access is used",
            want=[want.fact("note in case.toml whether it is used: [services] mra = true or false")],
        )
    zones = cluster.view(far_ends)
    evidence = [*mra.sources, *(source for fact in zones.values() for source in fact.sources)]
    if types != {"C"} or not zones:
        asked = [peer for peer in cluster.peers if peer is cluster.primary] or list(cluster.peers[:1])
        missing = "traversal client zones" if types == {"C"} else "type"
        return unknown(
            f"the evidence does not show the {missing} of the cluster",
            want=[want.export(peer, "traversal_peer" if types == {"C"} else "type") for peer in asked],
            evidence=[*evidence, *type_sources],
        )
    own = len(cluster.peers)
    counts = {number: len(fact.value or ()) for number, fact in zones.items()}
    listed = "; ".join(f"zone {number} lists {count}" for number, count in counts.items())
    compared = {"measured": listed, "wanted": f"{own} peers"}
    if own in counts.values():
        return passed(
            f"this cluster has {own} peers, and of its traversal client zones {listed}; the size of their machines is "
            "not shown here",
            evidence=evidence,
            **compared,
        )
    if len(counts) > 1:
        return unknown(
            f"this cluster has {own} peers, and its traversal client zones other numbers: {listed}; which of them is "
            "for Mobile and Remote Access is not shown",
            want=[want.support("whether clusters of these sizes may be paired")],
            evidence=evidence,
            **compared,
        )
    return violation(
        f"this cluster has {own} peers, and its traversal client {listed}: either the Expressway-E cluster has "
        "another size, which hosted multitenant systems may have, or the zone does not list all of its peers",
        evidence=evidence,
        fix=steps(
            "on the primary: let the traversal client zone list every peer of the Expressway-E cluster "
            "(Configuration > Zones > Zones)",
            "where the clusters differ in size: plan to make them equal, unless the system is hosted multitenant",
        ),
        **compared,
    )


RULES = (no_expressway_select_mix, fips_mode_not_clustered, traversal_pair_same_size)
