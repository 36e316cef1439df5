"""Made-up clusters for the pictures: six peers with faults of all kinds, hostile words everywhere, little evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from expdiag.scenarios import history
from expdiag.scenarios.spec import AS_OF, AlarmSpec, AuthoritySpec, CertificateSpec, ClusterSpec, healthy

HOSTILE = "<script>alert(1)</script> $\\frac{1}{0}$ \u202egnp.exe\u202c \x1b[31m=cmd()|' " + "W" * 400
_FORMED = AS_OF - timedelta(days=2)


def faults() -> ClusterSpec:
    """Return six peers of which five have faults, with a history of two days."""
    cluster = healthy(6)
    own: dict[str, CertificateSpec] = {peer.host_name: peer.certificate for peer in cluster.peers}
    other = AuthoritySpec("Another Root CA with a rather long name")
    zones = {f"Zones Zone {n} Name": f"a zone {n}" for n in range(1, 40)}
    cluster = (
        history.with_history(
            cluster,
            history.formed(cluster, _FORMED),
            history.enforced(cluster, _FORMED + timedelta(hours=5)),
            {
                "e1": history.upgraded(AS_OF - timedelta(hours=6), "X14.3.3", "X14.3.4"),
                "e2": history.flapping(AS_OF - timedelta(hours=3), 20004, 25, "e3"),
                "e3": [
                    *history.raised(AS_OF - timedelta(hours=2), 20006),
                    *history.raised(AS_OF - timedelta(hours=1), 25016),
                    *history.raised(AS_OF - timedelta(minutes=50), 25021, minutes=7),
                ],
                "e5": [
                    history.changed(AS_OF - timedelta(minutes=200 - n), f"zones/zone/{n}/name", "a", "b")
                    for n in range(120)
                ],
            },
        )
        .stating("change", kind="enforcing-tls", start=_FORMED, end=_FORMED + timedelta(hours=8))
        .changed("e2", settings={"SIP TLS Mode": "Off"})
        .changed("e4", certificate=replace(own["e4"], issuer=other, not_after=AS_OF + timedelta(days=12)))
        .changed("e5", certificate=replace(own["e5"], not_after=AS_OF - timedelta(days=12)), version="X14.2.7")
        .changed("e6", certificate=replace(own["e6"], not_before=AS_OF + timedelta(days=3)), settings=zones)
        .changed("e6", hardware="CE1200", serial="52E10001", platform=None, option_keys=("J00", "Y5"))
    )
    return cluster.with_round_trip("e1", "e5", 97.0).with_round_trip("e2", "e4", 120.0)


def hostile() -> ClusterSpec:
    """Return three peers whose alarms, settings, certificates, versions and names hold what programs act upon."""
    cluster = healthy(3)
    peer = cluster.peers[1]
    alarm = AlarmSpec(20006, "", HOSTILE[:90], HOSTILE)
    issuer = AuthoritySpec(HOSTILE[:50])
    return (
        history.with_history(
            cluster, {"e2": [history.changed(AS_OF - timedelta(hours=2), f"zones/zone/{HOSTILE}", HOSTILE, HOSTILE)]}
        )
        .changed("e2", system_name=HOSTILE, alarms=(alarm,), settings={"SIP TLS Mode": HOSTILE})
        .changed("e2", certificate=replace(peer.certificate, common_name=HOSTILE[:60], issuer=issuer))
        .changed("e3", version="X14.3.4 " + HOSTILE, build=HOSTILE, hardware=HOSTILE)
        .changed("e3", platform=None, serial=HOSTILE, option_keys=(HOSTILE,))
    )
