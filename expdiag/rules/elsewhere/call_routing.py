"""Settings that the cluster procedure changes besides: H.323 time to live, SSO metadata, Conference Factory."""

from __future__ import annotations

from expdiag import knowledge
from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.drift.dumps import states
from expdiag.model.facts import Fact
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import compare, names, shown
from expdiag.rules.declare import not_applicable, passed, rule, steps, unknown, violation
from expdiag.rules.sharing import at_fault, shared
from expdiag.tables import Alarm

METADATA_ALARM = 35016


@rule("E14")
def h323_time_to_live(cluster: Cluster, peer: Peer) -> Verdict:
    """H.323 registrations live shorter than by default, and call signalling optimisation is on.

    Why: an endpoint of a peer that failed comes back to another one when its registration runs out; the procedure of
    forming a cluster lowers the time, 60 seconds in its example, and switches call signalling optimisation on.
    Passes: the time to live is under the default of 1800 seconds, and the optimisation is on or not shown.
    Violates: the time to live is the default or longer, or the optimisation is off.
    Unknown: the time to live is not in the evidence; the default is not assumed.
    Not applicable: a single Expressway whose peer list is empty, which is not clustered.
    """
    limits = knowledge.load("replication")["time_to_live"]
    seconds = peer.settings.value("h323_time_to_live").map(_number)
    optimised = peer.settings.value("call_signaling_optimization")
    evidence = [*seconds.sources, *optimised.sources]
    if _is_not_clustered(cluster, peer):
        return not_applicable("its peer list is empty: this Expressway is not clustered", evidence=_listed(peer))
    is_long = seconds.value is not None and seconds.value >= limits["default"]
    is_off = optimised.value == "Off"
    if is_long or is_off:
        said = [f"the H.323 time to live is {seconds.value} s"] if is_long else []
        said += ["call signalling optimisation is off (routed mode Always)"] if is_off else []
        page = [f"H.323 time to live to {limits['example']} (Configuration > Protocols > H.323)"] if is_long else []
        page += ["call signaling optimization to On (Configuration > Call routing)"] if is_off else []
        where = cluster.primary or "the primary"
        return violation(
            " and ".join(said),
            evidence=evidence,
            at_fault=[peer.name],
            log_in=[cluster.primary.name] if cluster.primary else [],
            measured=seconds.value if is_long else "Off",
            wanted=f"under {limits['default']}" if is_long else "On",
            unit="s" if is_long else "",
            fix=f"on {where}, from where it replicates: set {' and '.join(page)}",
            cite=limits["cite"],
        )
    if seconds.value is None:
        return unknown(
            "the H.323 time to live is not in the evidence",
            want=[want.export(peer, "h323_time_to_live")],
            evidence=evidence,
        )
    note = f", above the {limits['example']} s of the procedure's example" if seconds.value > limits["example"] else ""
    unseen = "" if optimised.known else "; whether call signalling optimisation is on is not shown"
    return passed(
        f"the H.323 time to live is {seconds.value} s{note}{unseen}",
        evidence=evidence,
        measured=seconds.value,
        wanted=f"under {limits['default']}",
        unit="s",
    )


@rule("E16")
def sso_metadata_current(cluster: Cluster) -> Verdict:
    """The identity provider has the SAML metadata of the peers there are now.

    Why: adding or removing an Expressway-C changes the metadata; until it is exported again and imported on the
    identity provider, single sign-on fails on the new peer.
    Passes: the status of every peer lists its alarms, 35016 not among them.
    Violates: alarm 35016 is up: the metadata changed and was not exported since.
    Unknown: the status of a peer is not in the evidence.
    Not applicable: an Expressway-E, no Mobile and Remote Access, or single sign-on is off.
    """
    raised = {peer.name: alarms for peer in cluster.peers if (alarms := _metadata_alarms(peer))}
    types = [source for peer in cluster.peers for source in peer.type.sources]
    if raised:
        return violation(
            f"alarm 35016 on {', '.join(raised)}: the SAML metadata changed and was not exported since",
            evidence=[alarm.source for alarms in raised.values() for alarm in alarms],
            at_fault=raised,
            fix=steps(
                f"on {cluster.primary or 'the primary'}: Configuration > Unified Communications > Configuration, "
                "export SAML data (for each peer where the SSO scope is PEER)",
                "import it on the identity provider, in place of what is there",
            ),
            cite="Cluster guide X14.0.2, How to Change a Cluster; Alarms Reference, 35016",
        )
    if {peer.type.value for peer in cluster.peers} == {"E"}:
        return not_applicable("an Expressway-E holds no SAML metadata of its own", evidence=types)
    mra, sso = (_flags(cluster, field) for field in ("mra", "sso"))
    if set(mra.values()) == {False} or (cluster.facts.services.mra is False and True not in mra.values()):
        evidence = _sources(cluster, "mra") or _stated(cluster, "services.mra")
        return not_applicable("Mobile and Remote Access is not in use", evidence=evidence)
    if set(sso.values()) == {False}:
        return not_applicable("single sign-on is off", evidence=_sources(cluster, "sso"))
    with_status = cluster.view(states)
    silent = tuple(peer for peer in cluster.peers if peer.name not in with_status)
    if silent:
        return unknown(
            f"the alarms of {names(silent)} are not in the evidence",
            want=[want.status(peer) for peer in silent],
            evidence=_sources(cluster, "sso"),
        )
    unseen = "" if True in sso.values() else "; whether single sign-on is in use is not shown"
    return passed(f"alarm 35016 is up on no peer{unseen}", evidence=[*_sources(cluster, "sso"), *with_status.values()])


def _metadata_alarms(peer: Peer) -> list[Alarm]:
    """Return the alarms that are up about the metadata; a status may not tell their number."""
    unnumbered = [
        alarm
        for alarm in peer.alarms
        if alarm.number is None and alarm.still_up and "saml metadata" in f"{alarm.title} {alarm.detail}".lower()
    ]
    return [*peer.raised(METADATA_ALARM), *unnumbered]


@rule("E17", compares=True)
def conference_factory_templates_distinct(cluster: Cluster) -> Verdict:
    """Every peer's Conference Factory makes aliases of a template of its own.

    Why: the template does not replicate; two peers with one template make the same conference alias for two
    conferences.
    Passes: the Conference Factory is on, and all templates differ.
    Violates: two peers on which it is on have the same template.
    Unknown: mode or template of a peer is not in the evidence.
    Not applicable: the Conference Factory is off on all peers, or on all but one; a cluster of one.
    """
    modes = _flags(cluster, "conference_factory_mode")
    used = [peer for peer in cluster.peers if modes[peer.name] is not False]
    mode_sources = _sources(cluster, "conference_factory_mode")
    if len(used) < 2:
        return not_applicable(
            "the Conference Factory is off" if not used else f"the Conference Factory is off on all but {used[0]}",
            evidence=mode_sources,
        )
    on = [peer for peer in used if modes[peer.name]]
    templates = compare(cluster, lambda peer: peer.settings.value("conference_factory_template"))
    said = {p.name: (templates.said[p.name].value or "").strip().casefold() for p in on if p.name in templates.said}
    doubles = shared({name: [text] for name, text in said.items()})
    if doubles:
        owners = sorted({name for group in doubles.values() for name in group})
        blamed = at_fault(cluster, doubles)
        listing = "; ".join(
            f"{shown(templates.said[group[0]].value)} on {', '.join(group)}" for group in doubles.values()
        )
        return violation(
            f"peers have one Conference Factory template: {listing}",
            evidence=[*mode_sources, *(s for name in owners for s in templates.said[name].sources)],
            at_fault=blamed,
            log_in=blamed or owners,
            measured=listing,
            wanted="a template of its own for each peer",
            fix=f"on {' and '.join(blamed or owners)}: give the template another beginning or number range "
            "(Applications > Conference Factory); it is entered on each peer",
        )
    silent = tuple(peer for peer in used if modes[peer.name] is None or peer.name not in said)
    if silent:
        return unknown(
            f"mode or template of the Conference Factory of {names(silent)} is not in the evidence",
            want=[want.export(peer, "conference_factory_template") for peer in silent],
            evidence=[*mode_sources, *templates.evidence],
        )
    return passed("all Conference Factory templates differ", evidence=[*mode_sources, *templates.evidence])


def _number(text: str) -> int | None:
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 10 else None


def _flag(text: str) -> bool | None:
    word = text.strip().lower()
    return {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}.get(word)


def _flags(cluster: Cluster, field: str) -> dict[str, bool | None]:
    """Return by peer whether something is on, None where the evidence does not tell."""
    return {peer.name: peer.settings.value(field).map(_flag).value for peer in cluster.peers}


def _sources(cluster: Cluster, field: str) -> list[int]:
    facts: list[Fact[str]] = [peer.settings.value(field) for peer in cluster.peers]
    return [source for fact in facts for source in fact.sources]


def _stated(cluster: Cluster, key: str) -> list[int]:
    source = cluster.facts.sources.get(key)
    return [] if source is None else [source]


def _is_not_clustered(cluster: Cluster, peer: Peer) -> bool:
    return len(cluster.peers) == 1 and bool(peer.listed) and not peer.peer_list and not peer.list_is_cut


def _listed(peer: Peer) -> list[int]:
    return [source for fact in peer.listed.values() for source in fact.sources]


RULES = (h323_time_to_live, sso_metadata_current, conference_factory_templates_distinct)
