"""Rows of diagnostic logs, times in UTC; alarms also come from a status."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple

from expdiag.tables.schema import Column, SourceId


class Alarm(NamedTuple):
    """An alarm as a status dump lists it or a log tells of it."""

    number: Annotated[int | None, Column("alarm number; missing where only an unknown UUID was given")]
    uuid: Annotated[str, Column("alarm UUID, empty where none was given")]
    slot: Annotated[int | None, Column("place in the list of a status; missing in a log")]
    state: Annotated[str, Column("`raised`, `acknowledged` or `lowered`")]
    still_up: Annotated[
        bool,
        Column(
            "up at the end of the evidence: listed by the status, or the newest record of it in the logs of its host, "
            "and neither lowered nor followed by a system start"
        ),
    ]
    title: Annotated[str, Column("first part of the alarm text")]
    detail: Annotated[str, Column("rest of the alarm text")]
    severity: Annotated[str, Column("lower case, empty where none was given")]
    time: Annotated[datetime | None, Column("when a log told of it; missing for a status dump")]
    source: SourceId


class ConfigurationChange(NamedTuple):
    """A logged change of the configuration."""

    time: Annotated[datetime | None, Column("when it was logged")]
    item: Annotated[str, Column("table and field, words parted by spaces")]
    old: Annotated[str | None, Column("value before; missing where the line does not tell")]
    new: Annotated[str | None, Column("value after; missing where the line does not tell")]
    user: Annotated[str, Column("who did it, empty where the line does not tell")]
    source: SourceId


class Replication(NamedTuple):
    """What a peer's replication says of the cluster: the peers in order, who is primary, which one it is."""

    time: Annotated[datetime | None, Column("when it was logged")]
    addresses: Annotated[tuple[str, ...], Column("peer addresses in list order")]
    names: Annotated[tuple[str, ...], Column("peer names in list order")]
    primary: Annotated[int | None, Column("index of the primary, counted from 1")]
    local: Annotated[int | None, Column("index of the logging peer, counted from 1")]
    source: SourceId


class Event(NamedTuple):
    """A log record that names an event, whatever the event is."""

    time: Annotated[datetime | None, Column("when it was logged")]
    process: Annotated[str, Column("process that logged it, empty for the clustered database")]
    name: Annotated[str, Column("name of the event, as logged")]
    level: Annotated[str, Column("as logged: 1 to 4, or FATAL to TRACE; empty where it is not there")]
    detail: Annotated[str, Column("what the record says in words")]
    reason: Annotated[str, Column("reason it gives, empty where it gives none")]
    service: Annotated[str, Column("service it is about, empty where it names none")]
    far_end: Annotated[str, Column("address and port of the other side, empty where it names none")]
    user: Annotated[str, Column("who did it, empty where it does not tell")]
    source: SourceId


class PeerLink(NamedTuple):
    """What a log says of the link to another peer: lost, retried, connected."""

    time: Annotated[datetime | None, Column("when it was logged")]
    kind: Annotated[
        str,
        Column(
            "`database-lost`, `database-inconsistent`, `partition`, `connecting`, `connect-failed`, "
            "`ras-retransmit`, `ras-timeout`, `gatekeeper-timeout` or `name-lookup-failed`"
        ),
    ]
    remote: Annotated[str, Column("the other end as logged: name or address; empty where the line names none")]
    port: Annotated[int | None, Column("port of the other end; missing where the line names none")]
    detail: Annotated[str, Column("what the record says, with its reason")]
    source: SourceId


class Restart(NamedTuple):
    """A start, stop or failure of the system or of an application."""

    time: Annotated[datetime | None, Column("when it was logged")]
    kind: Annotated[
        str,
        Column(
            "`system-start`, `system-shutdown`, `restart-requested`, `reboot-requested`, `application-start`, "
            "`application-exit` or `application-failed`"
        ),
    ]
    detail: Annotated[str, Column("what the record says, with its reason")]
    user: Annotated[str, Column("who asked for it, empty where it does not tell")]
    source: SourceId


class Upgrade(NamedTuple):
    """A step of an upgrade, from a log or from the REST API."""

    time: Annotated[datetime | None, Column("when it happened")]
    kind: Annotated[str, Column("`upgrade`, `package-install`, or the status the REST API gives, in lower case")]
    versions: Annotated[tuple[str, ...], Column("releases the text names, in its order")]
    detail: Annotated[str, Column("what the record says")]
    source: SourceId
