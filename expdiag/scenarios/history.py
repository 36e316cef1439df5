"""What happened to a made-up cluster, as records of its logs: changes, restarts, alarms, upgrades, whole procedures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import chain

from expdiag.scenarios.spec import AlarmSpec, ClusterSpec, PeerSpec
from expdiag.scenarios.write import alarm_record

Record = tuple[datetime, str]
History = dict[str, list[Record]]

TEXTS = {
    20004: (
        "Cluster communication failure",
        "The system is unable to communicate with one or more of the cluster peers",
    ),
    20006: (
        "Cluster database communication failure",
        "The database is unable to replicate with one or more of the cluster peers",
    ),
    20007: (
        "Restart required",
        "Cluster configuration has been changed, however a restart is required for this to take effect",
    ),
    20008: (
        "Cluster replication error",
        "Automatic replication of configuration has been temporarily disabled because an upgrade is in progress",
    ),
    20011: (
        "Cluster replication error",
        "This peer's configuration conflicts with the primary's configuration, manual synchronization of configuration "
        "is required",
    ),
    20021: ("Cluster communication failure", "Unable to establish a TCP connection with {peers} on ports 4371, 4372"),
    20024: ("Cluster configuration error", "Cluster is in inconsistent state"),
    20025: (
        "Failed to synchronize database",
        "Database synchronization failed on node {peers}, reboot node {peers} from CLI",
    ),
    25016: (
        "Ethernet speed not recommended",
        "An Ethernet interface speed setting has been negotiated to a value other than 1000Mb/s full duplex or 100Mb/s "
        "full duplex; this may result in packet loss over your network",
    ),
    25021: ("NTP server not available", "The system is unable to contact an NTP server"),
    25022: (
        "Time not synchronized over traversal zone",
        "The system time of this server is different from that on a server on the other side of a SIP traversal zone",
    ),
    40055: ("Failed to update key file", "Failed to update system key file due to inconsistent state"),
}


def alarm(number: int, peers: str = "") -> AlarmSpec:
    """Return an alarm in the words of the Alarms Reference; `peers` is whom it names."""
    title, detail = TEXTS[number]
    return AlarmSpec(number, "", title, detail.format(peers=peers))


def with_history(cluster: ClusterSpec, *histories: Mapping[str, Iterable[Record]]) -> ClusterSpec:
    """Return the cluster with further records in the logs of its peers, by host name."""
    for host in {host for history in histories for host in history}:
        peer = next(peer for peer in cluster.peers if peer.host_name == host)
        records = chain.from_iterable(history.get(host, ()) for history in histories)
        cluster = cluster.changed(host, events=(*peer.events, *records))
    return cluster


def changed(when: datetime, item: str, old: str, new: str, user: str = "admin") -> Record:
    """Return a change of the configuration, as the web interface logs it."""
    words = f"configuration/{item} - changed from: '{old}' to: '{new}'"
    return when, (
        f'httpd[15060]: web: Event="System Configuration Changed" Detail="{words}" Src-ip="10.0.9.30" Src-port="53155" '
        f'User="{user}" Level="1" UTCTime="{when:%Y-%m-%d %H:%M:%S}" '
    )


def listed(when: datetime, slot: int, new: str, old: str = "") -> Record:
    """Return a change of one place of the peer list."""
    return changed(when, f"alternates/peer/{slot}/address", old, new)


def event(when: datetime, name: str, detail: str = "", reason: str = "") -> Record:
    """Return an event without more."""
    why = f' Reason="{reason}"' if reason else ""
    return when, f'supervisor: Event="{name}"{why} Detail="{detail}" Level="1" UTCTime="{when:%Y-%m-%d %H:%M:%S},000"'


def restarted(when: datetime, minutes: float = 4) -> list[Record]:
    """Return a restart that is asked for at one moment and over some minutes later."""
    up = when + timedelta(minutes=minutes)
    return [
        event(when, "Restart Requested", reason="Cluster configuration changed"),
        event(when + timedelta(seconds=20), "System Shutdown"),
        event(up, "System Start"),
        event(up + timedelta(seconds=50), "Application Start", "tvcs"),
    ]


def raised(when: datetime, number: int, peers: str = "", minutes: float | None = None) -> list[Record]:
    """Return an alarm that is raised, and lowered some minutes later where these are given."""
    of = alarm(number, peers)
    records = [(when, alarm_record(of, when))]
    if minutes is not None:
        end = when + timedelta(minutes=minutes)
        records.append((end, alarm_record(of, end, "Lowered")))
    return records


def flapping(when: datetime, number: int, times: int, peers: str = "") -> list[Record]:
    """Return an alarm that is raised and lowered again and again, every five minutes."""
    return [
        record for n in range(times) for record in raised(when + timedelta(minutes=5 * n), number, peers, minutes=2)
    ]


def upgraded(when: datetime, old: str, new: str) -> list[Record]:
    """Return an upgrade and the restart that follows it."""
    return [
        event(when, "Upgrade", f"Software upgraded from {old} to {new}"),
        *restarted(when + timedelta(minutes=8), 6),
    ]


def formed(cluster: ClusterSpec, start: datetime) -> History:
    """Return how the cluster was formed in the documented order: the primary alone, then one peer after the other."""
    first, *others = cluster.peers
    history: History = {peer.host_name: [] for peer in cluster.peers}
    history[first.host_name] += [listed(start, 1, first.peer_list[0]), *restarted(start + timedelta(minutes=1))]
    for number, peer in enumerate(others, start=2):
        added(history, cluster.peers[: number - 1], peer, number, start + timedelta(minutes=20 * (number - 1)))
    return history


def added(history: History, before: Iterable[PeerSpec], new: PeerSpec, slot: int, start: datetime) -> None:
    """Add to a history how a peer joins: the primary lists it, then the others; it gets the list and is restarted."""
    entry = new.peer_list[slot - 1]
    moment = start
    for peer in before:
        history[peer.host_name].append(listed(moment, slot, entry))
        moment += timedelta(minutes=1)
    history[new.host_name] += [
        listed(moment + timedelta(seconds=n), n, text) for n, text in enumerate(new.peer_list[:slot], start=1)
    ]
    history[new.host_name] += restarted(moment + timedelta(minutes=1))
    for peer in before:
        history[peer.host_name] += raised(moment + timedelta(minutes=1), 20004, minutes=5)


def enforced(cluster: ClusterSpec, start: datetime, order: Iterable[str] | None = None) -> History:
    """Return how TLS verification was enforced, and the restarts after it in an order, else the documented one."""
    history: History = {peer.host_name: [] for peer in cluster.peers}
    words = "xconfiguration clusterConfiguration tls_verify - changed from: Permissive to: Enforcing"
    for peer in cluster.peers:
        node = f"clusterdb@{peer.fqdn}"
        utc = f"{start:%Y-%m-%d %H:%M:%S},000"
        record = f'UTCTime="{utc}" Event="System Configuration Changed" Node="{node}" PID="<0.345.0>" Detail="{words}"'
        history[peer.host_name] += [(start, record), *raised(start + timedelta(seconds=1), 20007)]
    history[cluster.peers[0].host_name].append(changed(start, "cluster/tls_verify", "Permissive", "Enforcing"))
    for number, host in enumerate(order or history):
        history[host] += restarted(start + timedelta(minutes=2 + 10 * number))
    return history


def primary_changed(start: datetime, order: Iterable[str], old: int, new: int) -> History:
    """Return how another primary was chosen on each peer in some order."""
    return {
        host: [changed(start + timedelta(minutes=n), "alternates/configurationPrimary", str(old), str(new))]
        for n, host in enumerate(order)
    }


def renamed(cluster: ClusterSpec, start: datetime, restart: bool = True) -> History:
    """Return how peer addresses were changed to names, one after the other on every peer."""
    history: History = {peer.host_name: [] for peer in cluster.peers}
    moment = start
    for slot, subject in enumerate(cluster.peers, start=1):
        for peer in cluster.peers:
            history[peer.host_name].append(listed(moment, slot, subject.fqdn, old=subject.ipv4))
            moment += timedelta(seconds=40)
        if restart:
            history[subject.host_name] += restarted(moment)
            moment += timedelta(minutes=10)
    return history


def restarted_all(start: datetime, order: Iterable[str], apart: float = 2) -> History:
    """Return a restart of the whole cluster: all go down, and come up again in some order, some minutes apart."""
    return {
        host: [
            event(start, "System Shutdown"),
            event(start + timedelta(minutes=6 + apart * n), "System Start"),
        ]
        for n, host in enumerate(order)
    }
