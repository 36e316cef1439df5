"""Settings that replicate: whether all peers have the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.drift import replication
from expdiag.model.drift.comparison import Difference, Drift, drift
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.agreement import names, shown, who
from expdiag.rules.declare import passed, rule, steps, unknown, violation
from expdiag.rules.elsewhere.neighbours import zones_to_peers

MOST_SHOWN = 6
CONFLICT_ALARMS = (20009, 20011)
UPGRADING_ALARM = 20008
SICK_ALARMS = range(20003, 20027)
_CITE = "Cluster guide X15.4, Troubleshooting; Administrator Guide X14.0, Clustering and Peers"


@rule("E15", compares=True)
def replicated_settings_agree(cluster: Cluster) -> Verdict:
    """Every setting that replicates is the same on all peers.

    Why: peers serve any call or sign-in alike only if they are configured alike. Changes are made on the primary, which
    copies them to the others; a difference shows that this failed, or that somebody changed a subordinate.
    Passes: the configurations were held against each other, in the same form, and differ in nothing but what is each
    peer's own. Lists such as zones and search rules are compared by their entries, whatever their order; secrets are
    not compared. Sources are silent whether firewall rules and a few others replicate: differences there are told and
    are no violation. What breaks another requirement is judged there: H.323 mode (R26), zones to peers (E08).
    Violates: a setting differs, or a list of one peer lacks an entry.
    Unknown: a peer's configuration is not in the evidence or cut off, or what differs was exported at times that lie
    far apart, or before another peer's log shows the change, or while alarm 20008 says that an upgrade is under way.
    Not applicable: a cluster of one.
    """
    found = _without_zones_to_peers(cluster, cluster.view(drift))
    own = [one for one in found.differences if not one.is_silent and not one.judged_by]
    notes = _notes(found)
    evidence = [source for one in found.differences for source in one.sources]
    samples = [source for source in found.samples.values() if source is not None]
    unsettled = _unsettled(cluster, own, found)
    settled = [one for one in own if one not in unsettled]
    if settled:
        return _violated(cluster, settled, notes, [*(s for one in settled for s in one.sources), *evidence])
    if unsettled:
        return unknown(
            f"what differs may not have replicated yet: {_listing(unsettled)}; "
            f"{_why_unsettled(cluster, unsettled, found)}{notes}",
            want=[want.configuration(peer) for peer in cluster.peers],
            evidence=evidence,
        )
    silent = _silent(cluster, found)
    if silent:
        return unknown(
            f"the configuration of {names(silent)} is not, or not whole, in the evidence{notes}",
            want=[want.configuration(peer) for peer in silent],
            evidence=[*evidence, *samples],
        )
    least = min(len(dump) for peer in cluster.peers if (dump := found.dump_of(peer.name)))
    return passed(f"what replicates agrees, in exports of {least} settings and more{notes}", [*evidence, *samples])


def _without_zones_to_peers(cluster: Cluster, found: Drift) -> Drift:
    """Leave to E08 the zones it finds fault with, which are to go and not to be copied."""
    entries = {f'Zones Zone "{name}"' for name in cluster.view(zones_to_peers)}
    differences = [replace(one, judged_by="E08") if one.where in entries else one for one in found.differences]
    return replace(found, differences=tuple(differences))


def _silent(cluster: Cluster, found: Drift) -> tuple[Peer, ...]:
    """Return the peers of which no whole dump shows anything that replicates."""
    return tuple(
        peer
        for peer in cluster.peers
        if found.samples[peer.name] is None or not (dump := found.dump_of(peer.name)) or not dump.complete
    )


def _unsettled(cluster: Cluster, own: Sequence[Difference], found: Drift) -> list[Difference]:
    """Return the differences that may be two states of one healthy cluster."""
    if _is_upgrading(cluster):
        return list(own)
    if found.apart is not None and found.apart > timedelta(hours=replication.hours_apart()):
        return list(own)
    return [one for one in own if one.older]


def _why_unsettled(cluster: Cluster, unsettled: Iterable[Difference], found: Drift) -> str:
    if upgrading := _is_upgrading(cluster):
        return f"alarm 20008 on {' and '.join(upgrading)}: replication is off while an upgrade is under way, see R03"
    older = sorted({name for one in unsettled for name in one.older})
    if older:
        return f"the export of {' and '.join(older)} is older than a change that the log of another peer shows"
    hours = found.apart.total_seconds() / 3600 if found.apart else 0
    return f"the exports were taken {hours:.0f} hours apart"


def _is_upgrading(cluster: Cluster) -> list[str]:
    return [peer.name for peer in cluster.peers if peer.raised(UPGRADING_ALARM)]


def _violated(cluster: Cluster, differences: list[Difference], notes: str, evidence: list[int]) -> Verdict:
    odd = {name for one in differences for name in odd_ones(cluster, one)}
    reported = [alarm for peer in cluster.peers for number in CONFLICT_ALARMS for alarm in peer.raised(number)]
    told = sorted({f"alarm {alarm.number} on {cluster.peer_of(alarm.source)}" for alarm in reported})
    listing = _listing(differences)
    return violation(
        f"{len(differences)} setting{'s' if len(differences) > 1 else ''} that replicate"
        f"{'' if len(differences) > 1 else 's'} differ: {listing}"
        f"{'; ' + ' and '.join(told) if told else ''}{notes}",
        evidence=[*evidence, *(alarm.source for alarm in reported)],
        at_fault=odd,
        measured=listing,
        wanted="the same on all peers",
        fix=_fix(cluster, differences, odd),
        cite=_CITE,
    )


def odd_ones(cluster: Cluster, one: Difference) -> tuple[str, ...]:
    """Return the peers that say something else than the primary, else than the majority; empty where neither tells."""
    is_entry = any(said.value is None for said in one.said.values())
    return cluster.odd_ones_out(
        {name: str(said.value is None) if is_entry else (said.value or "").strip() for name, said in one.said.items()}
    )


def _fix(cluster: Cluster, differences: Sequence[Difference], odd: Iterable[str]) -> str:
    first = sorted({one.where for one in differences})[0]
    subordinates = sorted(odd)
    main = cluster.primary
    if main is None:
        return steps(
            "find out which peer is the primary (System > Clustering, Configuration primary)",
            f"on the primary: check the page of {first} and what else differs, correct and save it there",
            f"wait two minutes and export the configuration of {who(subordinates)} again",
        )
    texts = [
        f"on {main}, the primary: check that {first} and what else differs is as it should be there, and save the page "
        "again even where nothing changes; never correct it on another peer",
        f"wait two minutes, then compare the same pages of {who(subordinates)}",
        f"if they still differ, clear the other violations of {who(subordinates)} first: versions (R02), links (R09, "
        "R11), certificates (R19), cluster settings (E02)",
    ]
    sick = [
        alarm for alarm in main.alarms if alarm.number and alarm.number in SICK_ALARMS and main.raised(alarm.number)
    ]
    if subordinates and main.name not in subordinates and not sick:
        texts.append(
            f"if alarm 20011 stays up on {who(subordinates)}: take a backup there and on {main}, then on "
            f"{who(subordinates)} only, never on {main}: xCommand ForceConfigUpdate, which takes the configuration of "
            f"{main} in place of its own"
        )
    return steps(*texts)


def _listing(differences: Sequence[Difference]) -> str:
    """Return what differs, part by part of the configuration, and how many more there are."""
    ordered = sorted(differences, key=lambda one: (one.subtree, one.where))
    shown_ones = "; ".join(f"{one.where}: {_values(one)}" for one in ordered[:MOST_SHOWN])
    rest = ordered[MOST_SHOWN:]
    if not rest:
        return shown_ones
    parts = dict.fromkeys(one.subtree for one in rest)
    counts = ", ".join(f"{sum(one.subtree == part for one in rest)} in {part}" for part in list(parts)[:MOST_SHOWN])
    return f"{shown_ones}; and {len(rest)} more ({counts}{', …' if len(parts) > MOST_SHOWN else ''})"


def _values(one: Difference) -> str:
    groups: dict[str, list[str]] = {}
    is_entry = any(said.value is None for said in one.said.values())
    for name, said in one.said.items():
        value = ("not there" if said.value is None else "there") if is_entry else shown(said.value)
        groups.setdefault(value, []).append(name)
    return ", ".join(f"{value} on {' and '.join(owners)}" for value, owners in groups.items())


def _notes(found: Drift) -> str:
    """Return what a reader should know besides."""
    parts = []
    elsewhere = [one for one in found.differences if one.judged_by]
    silent = [one for one in found.differences if one.is_silent]
    if elsewhere:
        parts.append("; ".join(f"{one.where} differs too ({_values(one)}), see {one.judged_by}" for one in elsewhere))
    if silent:
        parts.append(f"sources are silent whether this replicates: {_listing(silent)}")
    if found.mended:
        parts.append(
            f"exports are stale for {_listing(found.mended)}, which logs show as changed after one of them was taken"
        )
    return f"; {'; '.join(parts)}" if parts else ""


RULES = (replicated_settings_agree,)
