"""Writes the cases in `data/cases`. Running it again gives the same bytes."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from expdiag.scenarios.spec import AS_OF, AlarmSpec, ClusterSpec, healthy
from expdiag.scenarios.write import write_case

H323_OFF = AlarmSpec(
    20018,
    "c6b1b1a4-0d3e-4a5e-9a53-2f6d0c6f5f0e",
    "Invalid clustering configuration",
    "H.323 mode must be turned On - clustering uses H.323 communications between peers",
)
SETTINGS_DIFFER = AlarmSpec(
    20012,
    "5b0f8a52-7a1c-4a40-8f6e-6f7d7a0b9c11",
    "Cluster replication error",
    "This peer's cluster configuration settings do not match the configuration primary peer's settings",
)
NOT_REPLICATING = AlarmSpec(
    20006,
    "0f96695e-d954-4f6f-85c1-2ef1eae6f764",
    "Cluster database communication failure",
    "The database is unable to replicate with one or more of the cluster peers",
)
CASES = Path(__file__).parent / "cases"


def troubled() -> ClusterSpec:
    """Return the cluster of the exercise: each line below is one fault."""
    cluster = healthy(name="troubled-e")
    e1, e2, e3 = cluster.peers
    cluster = cluster.with_round_trip("e1", "e3", 96.0)
    cluster = cluster.with_round_trip("e2", "e3", 61.0)
    cluster = cluster.changed("e3", version="X14.3.3", build="oak_v14.3.3_rc_1")
    cluster = cluster.changed("e3", platform="Large")
    cluster = cluster.changed("e3", system_name=e2.system_name)
    cluster = cluster.changed("e3", dns_servers=())
    cluster = cluster.changed("e2", h323="Off", alarms=(H323_OFF, SETTINGS_DIFFER, NOT_REPLICATING), synchronised=False)
    cluster = cluster.changed("e3", alarms=(NOT_REPLICATING,), synchronised=False)
    cluster = cluster.changed("e1", alarms=(NOT_REPLICATING,))
    cluster = cluster.changed("e2", certificate=replace(e2.certificate, not_after=AS_OF - timedelta(days=11)))
    cluster = cluster.changed(
        "e3",
        certificate=replace(e3.certificate, common_name=e3.fqdn, dns_names=(cluster.peers[0].cluster_name,)),
    )
    cluster = cluster.changed("e2", peer_list=("203.0.113.11", e2.fqdn, e3.fqdn), static_nat={2: "203.0.113.12"})
    return cluster.changed("e3", lan2_ipv4=e1.lan2_ipv4, static_nat={2: "203.0.113.13"})


def main(folder: Path = CASES) -> None:
    """Write all cases below a folder, replacing what is there."""
    for cluster in (healthy(), troubled()):
        target = folder / cluster.name
        if target.exists():
            shutil.rmtree(target)
        write_case(cluster, target)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
