"""Every table of a case as data: its columns, their types, units and meaning.

A row is a named tuple; the annotations of its fields are the schema, from which empty frames, type checks and
the data dictionary are made. `peer` is not stored: it follows from a row's `source` and is added to the frame.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from expdiag.errors import UnknownNameError
from expdiag.tables.captures import (
    Capture,
    Connection,
    DnsMessage,
    Echo,
    Endpoint,
    IcmpError,
    NtpExchange,
    RasExchange,
)
from expdiag.tables.exports import Certificate, FirewallRule, Setting
from expdiag.tables.leaves import Block, Leaves
from expdiag.tables.logs import Alarm, ConfigurationChange, Event, PeerLink, Replication, Restart, Upgrade
from expdiag.tables.matches import MatchedConnection
from expdiag.tables.probes import (
    DnsQuery,
    DnsRecord,
    Hop,
    Probe,
    Reachability,
    RoundTrip,
    SystemKey,
    TlsHandshake,
    Trace,
)
from expdiag.tables.reading import FieldFound, FileRead, Issue

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NAME_OF",
    "TABLES",
    "Alarm",
    "Block",
    "Capture",
    "Certificate",
    "ColumnSchema",
    "ConfigurationChange",
    "Connection",
    "DnsMessage",
    "DnsQuery",
    "DnsRecord",
    "Echo",
    "Endpoint",
    "Event",
    "FieldFound",
    "FileRead",
    "FirewallRule",
    "Hop",
    "IcmpError",
    "Issue",
    "Leaves",
    "MatchedConnection",
    "NtpExchange",
    "PeerLink",
    "Probe",
    "RasExchange",
    "Reachability",
    "Replication",
    "Restart",
    "RoundTrip",
    "Setting",
    "SystemKey",
    "TlsHandshake",
    "Trace",
    "Upgrade",
    "columns",
    "frame",
    "problems",
]

TABLES: dict[str, type[Any]] = {
    "files": FileRead,
    "issues": Issue,
    "fields": FieldFound,
    "settings": Setting,
    "certificates": Certificate,
    "firewall_rules": FirewallRule,
    "events": Event,
    "alarms": Alarm,
    "configuration_changes": ConfigurationChange,
    "replication": Replication,
    "peer_links": PeerLink,
    "restarts": Restart,
    "upgrades": Upgrade,
    "round_trips": RoundTrip,
    "probes": Probe,
    "traces": Trace,
    "hops": Hop,
    "reachability": Reachability,
    "dns_queries": DnsQuery,
    "dns_records": DnsRecord,
    "tls_handshakes": TlsHandshake,
    "system_keys": SystemKey,
    "captures": Capture,
    "connections": Connection,
    "matched_connections": MatchedConnection,
    "echoes": Echo,
    "icmp_errors": IcmpError,
    "endpoints": Endpoint,
    "ras": RasExchange,
    "dns_messages": DnsMessage,
    "ntp_exchanges": NtpExchange,
}

NAME_OF: dict[type[Any], str] = {row: name for name, row in TABLES.items()}

_DTYPES: dict[type, str] = {
    int: "Int64",
    float: "Float64",
    bool: "boolean",
    str: "string",
    datetime: "datetime64[us, UTC]",
    tuple: "object",
}


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """A column as the frame and the data dictionary need it."""

    name: str
    dtype: str
    optional: bool
    unit: str
    meaning: str


def columns(table: str) -> tuple[ColumnSchema, ...]:
    """Return the columns of a table in order, `peer` first where rows have a source.

    Raises:
        UnknownNameError: there is no such table.
    """
    if table not in TABLES:
        raise UnknownNameError("table", table, TABLES)
    own = []
    for name, hint in get_type_hints(TABLES[table], include_extras=True).items():
        base, meta = get_args(hint)[0], get_args(hint)[1]
        optional = get_origin(base) in (types.UnionType, Union)
        plain = next(arg for arg in get_args(base) if arg is not type(None)) if optional else base
        kind = get_origin(plain) or plain
        own.append(ColumnSchema(name, _DTYPES[kind], optional, meta.unit, meta.meaning))
    if own[-1].name != "source" or own[0].name == "peer":
        return tuple(own)
    return (ColumnSchema("peer", "string", True, "", "peer the evidence belongs to, where it is known"), *own)


def frame(
    table: str, rows: Sequence[tuple[Any, ...]], peer_of: Callable[[int], str | None] | None = None
) -> pd.DataFrame:
    """Return rows as a DataFrame that fits the schema, also when there are none.

    Args:
        table: a key of `TABLES`.
        rows: named tuples of that table.
        peer_of: peer of a source id; without it the `peer` column is empty.
    """
    import pandas as pd

    from expdiag.tables.shown import ShownFrame

    schema = columns(table)
    data: dict[str, Any] = {}
    offset = int(schema[0].name == "peer" and TABLES[table]._fields[0] != "peer")
    if offset:
        peers = [peer_of(row[-1]) if peer_of else None for row in rows]
        data["peer"] = pd.array(peers, dtype="string")
    for position, column in enumerate(schema[offset:]):
        values = [row[position] for row in rows]
        data[column.name] = _series(values, column.dtype)
    return ShownFrame(data, columns=[column.name for column in schema])


def _series(values: Iterable[Any], dtype: str) -> pd.Series[Any]:
    import pandas as pd

    wanted: Any = dtype
    if dtype.startswith("datetime64"):
        return pd.Series(pd.DatetimeIndex(list(values), dtype=wanted))
    series: pd.Series[Any] = pd.Series(list(values), dtype=wanted)
    return series


def problems(table: str, data: pd.DataFrame) -> list[str]:
    """Return how a frame departs from its schema; empty where it fits."""
    schema = columns(table)
    wanted = [column.name for column in schema]
    if list(data.columns) != wanted:
        return [f"columns are {list(data.columns)}, expected {wanted}"]
    found = [
        f"{column.name} is {data[column.name].dtype}, expected {column.dtype}"
        for column in schema
        if str(data[column.name].dtype) != column.dtype
    ]
    found += [
        f"{column.name} has missing values"
        for column in schema
        if not column.optional and data[column.name].isna().any()
    ]
    return found
