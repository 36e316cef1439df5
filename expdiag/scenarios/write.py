"""Writes a made-up cluster as a case folder: one diagnostic archive per peer, pings, `case.toml`."""

from __future__ import annotations

import gzip
import io
import random
import re
import tarfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from expdiag.scenarios import authority, exports, lookups, network
from expdiag.scenarios.spec import AlarmSpec, ClusterSpec, PeerSpec


def write_case(cluster: ClusterSpec, folder: Path) -> None:
    """Write the case folder of a cluster; the same cluster gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.toml").write_text(case_toml(cluster), encoding="utf-8")
    stamp = f"{cluster.as_of:%Y-%m-%d_%H_%M_%S}"
    for number, peer in enumerate(cluster.peers, start=1):
        twins = [other for other in cluster.peers if other.host_name == peer.host_name]
        mark = f"_{number}" if len(twins) > 1 else ""
        archive = folder / f"diagnostic_log_{peer.host_name}{mark}_{stamp}.tar.gz"
        archive.write_bytes(tar_gz(bundle(peer, cluster), cluster.as_of))
    for name, text in {**probes(cluster), **cluster.files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def bundle(peer: PeerSpec, cluster: ClusterSpec) -> dict[str, bytes]:
    """Return the members of a peer's diagnostic log archive by name."""
    now = cluster.as_of
    tail = f"{peer.host_name}_{now:%Y-%m-%d_%H:%M:%S}"
    settings, state = exports.configuration(peer), exports.status(peer, now)
    texts = {
        f"loggingsnapshot_{tail}.txt": log(peer, cluster),
        f"xconf_dump_{tail}.txt": exports.configuration_text(settings),
        f"xconf_dump_{tail}.xml": exports.xml("Configuration", settings, peer.version),
        f"xstat_dump_{tail}.txt": exports.status_text(state),
        f"xstat_dump_{tail}.xml": exports.xml("Status", state, peer.version),
    }
    pems = {
        f"ca_{tail}.pem": authority.store_pem(peer.trusted),
        f"server_{tail}.pem": authority.server_pem(peer.certificate),
    }
    if has_client_certificate(peer):
        pems[f"client_{tail}.pem"] = authority.server_pem(peer.client_certificate or peer.certificate)
    return {**{name: text.encode() for name, text in {**texts, **peer.members}.items()}, **pems}


def has_client_certificate(peer: PeerSpec) -> bool:
    """Whether the release of a peer keeps a client certificate beside the server's."""
    numbers = re.match(r"[Xx]([0-9]+)\.([0-9]+)", peer.version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= (15, 5)


def tar_gz(members: Mapping[str, bytes], modified: datetime) -> bytes:
    """Return an archive that is the same on every run."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = int(modified.timestamp())
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), compresslevel=9, mtime=0)


def log(peer: PeerSpec, cluster: ClusterSpec) -> str:
    """Return a diagnostic log: alarms, then replication every two minutes, and what else happened, in order of time."""
    records = [*_records(peer, cluster), *((when, f"{peer.host_name} {words}") for when, words in peer.events)]
    return "".join(f"{_stamp(when)} {words}\n" for when, words in sorted(records, key=lambda record: record[0]))


def _records(peer: PeerSpec, cluster: ClusterSpec) -> list[tuple[datetime, str]]:
    node = f"clusterdb@{peer.fqdn}"
    records = []
    start = cluster.as_of - timedelta(minutes=9)
    for step, alarm in enumerate(peer.alarms):
        when = start + timedelta(seconds=step)
        records.append((when, f"{peer.host_name} {alarm_record(alarm, when)}"))
    hosts = {text: p.host_name for p in cluster.peers for text in (p.fqdn, p.ipv4)}
    listed = ", ".join(
        f"u'({cluster.mapping.get(entry, entry)} {hosts.get(entry, entry)})'" for entry in peer.peer_list
    )
    local = next((n for n, entry in enumerate(peer.peer_list) if entry in (peer.fqdn, peer.ipv4)), None)
    if local is None:  # it replicates with nobody, but it is there
        records += [(start, f"{peer.host_name} MARK"), (cluster.as_of - timedelta(minutes=1), f"{peer.host_name} MARK")]
    for step in range(4 if local is not None else 0):
        when = start + timedelta(minutes=1 + 2 * step, milliseconds=330)
        head = f'{peer.host_name} replication: UTCTime="{_utc(when)}" Module="developer.replication" Level="INFO"'
        words = [
            f'{head} CodeLocation="clusterconfigurationsynchroniser(270)" Detail="Starting synchronisation"',
            f'{head} CodeLocation="clusterconfigurationutils(750)" AlternateIPAddresses="[{listed}]" '
            f'ConfigurationMasterIndex="{peer.primary - 1}" LocalPeerIndex="{local}" ',
        ]
        if peer.synchronised:
            words.append(
                f'{head} CodeLocation="clusterconfigurationsynchroniser(336)" '
                'Detail="Synchronisation completed successfully"'
            )
        words.append(
            f'{peer.host_name} UTCTime="{_utc(when)}" Module="developer.clusterdb.cdb" '
            f'Level="INFO" Node="{node}" PID="<0.159.0>" Detail="Table statistics collected"'
        )
        records += [(when, text) for text in words]
    return records


def alarm_record(alarm: AlarmSpec, when: datetime, event: str = "Raised") -> str:
    """Return a record of an alarm that is raised or lowered, without stamp and host name."""
    return (
        f'alarm: Level="WARN" Event="Alarm {event}" Id="{alarm.number}" '
        f'UUID="{alarm.uuid}" Severity="{alarm.severity}" Detail="{alarm.title}: {alarm.detail}" '
        f'UTCTime="{_utc(when)}"'
    )


def _stamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds")


def _utc(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03d}"


def probes(cluster: ClusterSpec) -> dict[str, str]:
    """Return what was probed, by path in the case folder."""
    return {**pings(cluster), **network.evidence(cluster), **lookups.lookups(cluster)}


def pings(cluster: ClusterSpec) -> dict[str, str]:
    """Return a ping of every peer from every other."""
    return {
        f"probes/{start.host_name}/ping-{end.host_name}.txt": ping(
            end.ipv4,
            cluster.round_trips[frozenset({start.host_name, end.host_name})],
            seed=f"{cluster.name} {start.host_name} {end.host_name}",
        )
        for start in cluster.peers
        for end in cluster.peers
        if frozenset({start.host_name, end.host_name}) in cluster.round_trips
    }


def ping(address: str, round_trip: float, seed: str, count: int = 20) -> str:
    """Return what ping prints for a path of this length, the first probe with an address resolution in it."""
    chance = random.Random(seed)
    times = [round_trip + abs(chance.gauss(0.6, 0.25)) for _ in range(count)]
    times[0] += chance.uniform(3, 8)
    lines = [f"PING {address} ({address}) 56(84) bytes of data."]
    lines += [
        f"64 bytes from {address}: icmp_seq={n} ttl=62 time={time:.1f} ms" for n, time in enumerate(times, start=1)
    ]
    mean = sum(times) / count
    deviation = (sum((time - mean) ** 2 for time in times) / count) ** 0.5
    return "\n".join(
        [
            *lines,
            "",
            f"--- {address} ping statistics ---",
            f"{count} packets transmitted, {count} received, 0% packet loss, time {1001 * (count - 1)}ms",
            f"rtt min/avg/max/mdev = {min(times):.3f}/{mean:.3f}/{max(times):.3f}/{deviation:.3f} ms",
            "",
        ]
    )


def case_toml(cluster: ClusterSpec) -> str:
    """Return the facts no export shows."""
    sections: dict[str, dict[str, object]] = {
        "case": {"name": cluster.name, "as_of": cluster.as_of},
        "cluster": {"tls_verification_mode": cluster.tls_mode, "address_mapping": dict(cluster.mapping) or None},
        **{f'peers."{peer.host_name}"': {"platform": peer.platform} for peer in cluster.peers if peer.platform},
        "services": {"mra": True, "b2b": False},
        "tms": {"used": False},
    }
    for name, facts in cluster.facts.items():
        sections[name] = {**sections.get(name, {}), **facts}
    return "\n".join(_section(name, facts) for name, facts in sections.items())


def _section(name: str, facts: Mapping[str, object]) -> str:
    lines = [f"{key} = {_toml(value)}\n" for key, value in facts.items() if value is not None]
    return f"[{name}]\n{''.join(lines)}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_toml(key)} = {_toml(entry)}' for key, entry in value.items())} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int) else f'"{value}"'
