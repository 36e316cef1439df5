"""What is known of a peer's clock and of its system key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expdiag import knowledge
from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.model.history import timeline as times
from expdiag.model.peers import Peer
from expdiag.model.settings import Mention
from expdiag.model.versions import Release, release
from expdiag.tables import Alarm, NtpExchange, SystemKey

_STATUS_KINDS = ("xStatus text", "status XML")
_FOLLOWED = ("synchronized", "synchronised", "synced", "sys.peer", "syspeer", "in sync", "insync", "ok", "true")
_NOT_FOLLOWED = (
    *("unsynchronized", "unsynchronised", "not synchronized", "not synchronised", "unsynced", "not in sync"),
    *("failed", "rejected", "reject", "unreachable", "starting", "false", "no server", "inactive", "error"),
)


@dataclass(frozen=True, slots=True)
class Clock:
    """What the evidence says of the clock of a peer.

    Attributes:
        servers: configured NTP servers.
        servers_known: whether the whole list is shown, so that an empty one is empty.
        state: state of the NTP client in the words of the status; empty where none is shown.
        is_followed: whether it says that a server is followed; None where it is not shown or does not tell.
        alarms: alarms about the time that are up.
        alarm_lists: what would list them, were they up.
        packets_for: what a capture says for the clock, packets_against: what it says against it; empty for nothing.
        offset: how far the clock is off by a capture, milliseconds.
        apart: how it differs from that of others, empty where it does not or nothing tells.
    """

    servers: tuple[str, ...]
    servers_known: bool
    server_sources: tuple[int, ...]
    state: str
    is_followed: bool | None
    state_sources: tuple[int, ...]
    alarms: tuple[Alarm, ...]
    alarm_lists: tuple[int, ...]
    packets_for: str
    packets_against: str
    packet_sources: tuple[int, ...]
    offset: float | None
    apart: str
    apart_sources: tuple[int, ...]


def clock_of(cluster: Cluster, peer: Peer) -> Clock:
    """Return what is known of the clock of a peer."""
    listed = peer.settings.values("ntp_server")
    used = [fact for fact in listed.values() if fact.value]
    state, is_followed, state_sources = _state(peer)
    exchanges = cluster.view(_exchanges).get(peer.name, ())
    packets_for, packets_against, offset = _packets(exchanges)
    apart, apart_sources = _apart(cluster, peer)
    return Clock(
        servers=tuple(fact.value for fact in used if fact.value),
        servers_known=bool(listed) and not peer.settings.ends_in(listed, full=5),
        server_sources=tuple(source for fact in (used or listed.values()) for source in fact.sources),
        state=state,
        is_followed=is_followed,
        state_sources=state_sources,
        alarms=tuple(alarm for number in limits()["alarms"] for alarm in peer.raised(number)),
        alarm_lists=alarm_lists(cluster, peer),
        packets_for=packets_for,
        packets_against=packets_against,
        packet_sources=tuple(row.source for row in exchanges),
        offset=offset,
        apart=apart,
        apart_sources=apart_sources,
    )


def limits() -> Mapping[str, Any]:
    """Return what is known of clocks that are right."""
    found: Mapping[str, Any] = knowledge.load("limits")["clock"]
    return found


def key_facts() -> Mapping[str, Any]:
    """Return what is known of the system key."""
    found: Mapping[str, Any] = knowledge.load("limits")["system_key"]
    return found


def key_since() -> Release:
    """Return the release that brought the system key."""
    found = release(key_facts()["since"])
    assert found is not None
    return found


def key_checks(cluster: Cluster, peer: Peer) -> tuple[SystemKey, ...]:
    """Return the runs of verify-syskey on a peer that tell something: it printed something, or surely nothing."""
    return tuple(
        row
        for row in cluster.rows["system_keys"]
        if (row.printed or row.complete)
        and row.vantage
        and cluster.find(row.vantage) is peer
        and not any(word in row.printed.lower() for word in key_facts()["not_run"])
    )


def alarm_lists(cluster: Cluster, peer: Peer) -> tuple[int, ...]:
    """Return the exports of a peer that would list an alarm, were it up: a whole status, or the alarms of the REST API.

    A part of a status by `getxml`, or one that is cut, need not hold the alarms.
    """
    return cluster.view(_alarm_lists).get(peer.name, ())


def _alarm_lists(cluster: Cluster) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    alarmed = {file_number(alarm.source) for alarm in cluster.rows["alarms"] if alarm.slot is not None}
    for file in cluster.rows["files"]:
        peer = cluster.peer_of(file.source)
        if peer is None or not file.complete:
            continue
        name = file.file.lower()
        is_status = file.kind in _STATUS_KINDS and (
            _is_whole(cluster, peer, file_number(file.source)) or file_number(file.source) in alarmed
        )
        if is_status or name.endswith(("status/alarm.json", "status_alarm.json")):
            found.setdefault(peer, []).append(file.source)
    return {peer: tuple(sources) for peer, sources in found.items()}


def _is_whole(cluster: Cluster, name: str, file: int) -> bool:
    """Whether a status holds more than one element: the system, and its interfaces or its names."""
    peer = next(peer for peer in cluster.peers if peer.name == name)

    def shown(*fields: str) -> bool:
        return any(
            mention.place.tree == "status" and file_number(mention.source) == file
            for field in fields
            for mention in peer.settings.mentions(field)
        )

    return shown("version", "uptime", "build", "serial") and shown("ipv4", "ip_protocol", "dns_server", "domain")


def _state(peer: Peer) -> tuple[str, bool | None, tuple[int, ...]]:
    """Return the state of the NTP client in words, what they mean, and where they stand."""
    said = [m for m in peer.settings.mentions("ntp_state") if m.value and not m.is_old]
    servers = [m for m in peer.settings.mentions("ntp_server_state") if m.value and not m.is_old]
    if said:
        return said[0].value, _meaning(said[0].value), (said[0].source,)
    good = [m for m in servers if _meaning(m.value)]
    if good:
        return good[0].value, True, (good[0].source,)
    if servers and all(_meaning(m.value) is False for m in servers):
        return _words(servers), False, tuple(m.source for m in servers)
    return (_words(servers), None, tuple(m.source for m in servers)) if servers else ("", None, ())


def _words(mentions: Sequence[Mention]) -> str:
    return ", ".join(dict.fromkeys(mention.value for mention in mentions))


def _meaning(text: str) -> bool | None:
    plain = text.strip().lower()
    if plain in _NOT_FOLLOWED or plain.startswith(("unsync", "not ", "no ")):
        return False
    return True if plain in _FOLLOWED or plain.startswith("synchroni") else None


def _exchanges(cluster: Cluster) -> dict[str, tuple[NtpExchange, ...]]:
    """Return what each peer asked time servers, as its own captures show it; a view."""
    found: dict[str, list[NtpExchange]] = {}
    for row in cluster.rows["ntp_exchanges"]:
        name = cluster.directory.find(row.client)
        if name and row.outcome != "cut":
            found.setdefault(name, []).append(row)
    return {name: tuple(rows) for name, rows in found.items()}


def _packets(exchanges: Sequence[NtpExchange]) -> tuple[str, str, float | None]:
    """Return what packets say for a clock, what they say against it, and how far it is off in milliseconds."""
    known = limits()
    useful = [
        row
        for row in exchanges
        if row.outcome == "answered"
        and row.stratum is not None
        and 0 < row.stratum <= known["worst_stratum"]
        and row.leap != "not synchronised"
    ]
    if not useful:
        if len(exchanges) < known["least_requests"]:
            return "", "", None
        servers = ", ".join(sorted({row.server for row in exchanges}))
        answers = sum(1 for row in exchanges if row.outcome == "answered")
        words = f"{answers} of them with a refusal or a server that is not synchronised itself" if answers else "none"
        return "", f"{len(exchanges)} requests to {servers} got no useful answer ({words} answered)", None
    offsets = sorted(abs(row.offset) for row in useful if row.offset is not None)
    if not offsets:
        return f"{useful[0].server} answers at stratum {useful[0].stratum}", "", None
    least = offsets[0]
    if least > known["offset_certain_ms"]:
        return "", f"its clock is {least / 1000:.1f} s off that of {useful[0].server}", round(least, 1)
    note = ", more than a clock that follows would be" if least > known["offset_doubtful_ms"] else ""
    return f"{useful[0].server} answers, and the clock is {least:.0f} ms off{note}", "", round(least, 1)


def _apart(cluster: Cluster, peer: Peer) -> tuple[str, tuple[int, ...]]:
    """Return how the clock of a peer differs from those of the others, empty where most of them agree with it."""
    timeline = cluster.view(times.of_cluster)
    known = limits()["peers_apart_ms"]
    ahead = {name: clock.ahead.total_seconds() * 1000 for name, clock in timeline.clocks.items()}
    if not ahead:
        return "", ()
    root = cluster.primary or cluster.peers[0]
    ahead.setdefault(root.name, 0.0)
    if peer.name not in ahead:
        return "", ()
    others = {name: ahead[peer.name] - value for name, value in ahead.items() if name != peer.name}
    far = {name: difference for name, difference in others.items() if abs(difference) > known}
    if not far or (len(others) > 1 and len(far) <= len(others) / 2):
        return "", ()
    name = sorted(far)[0]
    how = "ahead of" if far[name] > 0 else "behind"
    words = f"its clock is {abs(far[name]) / 1000:.1f} s {how} that of {name}"
    sources = tuple(c.source for n, c in timeline.clocks.items() if n in (peer.name, name) and c.source is not None)
    return words, sources
