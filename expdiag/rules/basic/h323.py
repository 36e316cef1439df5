"""H.323, by which peers find routes for calls among themselves."""

from __future__ import annotations

from expdiag.findings import Verdict
from expdiag.model.cluster import Cluster
from expdiag.model.peers import Peer
from expdiag.rules import want
from expdiag.rules.declare import passed, rule, steps, unknown, violation

H323_ALARM = 20018


@rule("R26")
def h323_mode_on(cluster: Cluster, peer: Peer) -> Verdict:
    """H.323 mode is on, also where every endpoint is a SIP endpoint.

    Why: peers find the best route for a call among themselves by H.323 signalling. The default is off.
    Passes: the configuration says On.
    Violates: it says Off, or alarm 20018 is up, which speaks of what is in use, whatever the configuration says.
    Unknown: neither is in the evidence; the default is not assumed.
    """
    alarms = peer.raised(H323_ALARM)
    alarm_sources = [alarm.source for alarm in alarms]
    if peer.h323_on.value is False or alarms:
        told = "alarm 20018 says that H.323 mode is off" if alarms else ""
        said = "H.323 mode is off"
        if peer.h323_on.value:
            said = f"{told}, while the configuration says On: what is in use is not what is configured"
        elif alarms:
            said = told if not peer.h323_on.known else f"H.323 mode is off, and {told}"
        return violation(
            said,
            evidence=[*peer.h323_on.sources, *alarm_sources],
            at_fault=[peer.name],
            measured="Off",
            wanted="On",
            log_in=[cluster.primary.name] if cluster.primary else [],
            fix=_switch_on_h323(cluster, peer) if not peer.h323_on.value else _save_again(cluster, peer),
        )
    if not peer.h323_on.known:
        return unknown("the H.323 mode is not in the evidence", want=[want.export(peer, "h323_mode")])
    return passed("H.323 mode is on", evidence=peer.h323_on.sources, measured="On", wanted="On")


def _switch_on_h323(cluster: Cluster, peer: Peer) -> str:
    page = "Configuration > Protocols > H.323, H.323 mode"
    if cluster.primary is None or cluster.primary is peer:
        return f"set {page}, to On on the primary, from where it replicates"
    return (
        f"set {page}, to On on {cluster.primary} (the primary; save it even if it is On there), from where it "
        f"replicates to {peer}. If {peer} stays off, its replication is broken: clear its other violations first"
    )


def _save_again(cluster: Cluster, peer: Peer) -> str:
    where = cluster.primary or "the primary"
    return steps(
        f"on {where}: save Configuration > Protocols > H.323 with H.323 mode On again",
        f"on {peer}: check after two minutes that alarm 20018 is lowered; if it is not, acknowledge "
        "nothing and restart "
        "it while the other peers are up",
    )


RULES = (h323_mode_on,)
