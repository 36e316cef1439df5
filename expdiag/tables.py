"""Every table of a case as data: its columns, their types, units and meaning.

A row is a named tuple; the annotations of its fields are the schema, from which empty frames, type checks and
the data dictionary are made. `peer` is not stored: it follows from a row's `source` and is added to the frame.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from expdiag.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Column:
    """What a column means, and the unit of its numbers ("" where it has none)."""

    meaning: str
    unit: str = ""


SourceId = Annotated[int, Column("where the row came from; look it up with `case.sources[id]`")]
Text = Annotated[str, Column("")]


class Setting(NamedTuple):
    """One leaf of a configuration or status tree, whatever dialect it came in."""

    tree: Annotated[str, Column("`configuration` or `status`")]
    path: Annotated[str, Column("words of the path with their indexes, as xConfiguration prints them")]
    value: Annotated[str, Column("the value without quotes; `‹secret›` where it may not be shown")]
    source: SourceId


class Alarm(NamedTuple):
    """An alarm as a status dump lists it or a log tells of it."""

    number: Annotated[int | None, Column("alarm number; missing where only an unknown UUID was given")]
    uuid: Annotated[str, Column("alarm UUID, empty where none was given")]
    state: Annotated[str, Column("`raised`, `acknowledged` or `lowered`")]
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


class Certificate(NamedTuple):
    """One certificate of a PEM file."""

    role: Annotated[str, Column("`server`, `chain` (sent with it) or `ca` (trust store)")]
    position: Annotated[int, Column("place in the file, counted from 1")]
    subject: Annotated[str, Column("RFC 4514 subject")]
    common_name: Annotated[str, Column("CN of the subject, empty where it has none")]
    dns_names: Annotated[tuple[str, ...], Column("dNSName entries of the SAN")]
    ip_addresses: Annotated[tuple[str, ...], Column("iPAddress entries of the SAN")]
    issuer: Annotated[str, Column("RFC 4514 issuer")]
    not_before: Annotated[datetime, Column("start of validity")]
    not_after: Annotated[datetime, Column("end of validity")]
    serial: Annotated[str, Column("serial number in hexadecimal")]
    fingerprint: Annotated[str, Column("SHA-256 of the certificate in hexadecimal")]
    key_fingerprint: Annotated[str, Column("SHA-256 of the public key (SPKI) in hexadecimal")]
    key_type: Annotated[str, Column("such as `RSA`")]
    key_bits: Annotated[int | None, Column("size of the key; missing for keys of one fixed size", "bit")]
    signature_hash: Annotated[str, Column("hash of the signature, empty where it has none")]
    is_authority: Annotated[bool, Column("basic constraints say it may issue certificates")]
    self_signed: Annotated[bool, Column("issuer equals subject")]
    usages: Annotated[tuple[str, ...] | None, Column("key usage; missing where the extension is absent")]
    purposes: Annotated[tuple[str, ...] | None, Column("extended key usage; missing where the extension is absent")]
    source: SourceId


class Probe(NamedTuple):
    """One probe of a run: an echo request and what came of it."""

    run: Annotated[int, Column("source of the run in `round_trips`")]
    sequence: Annotated[int | None, Column("number the tool gave it")]
    outcome: Annotated[str, Column("`answered`, `duplicate`, `lost` or `error`")]
    rtt: Annotated[float | None, Column("round trip; missing unless answered", "ms")]
    time: Annotated[datetime | None, Column("when it was answered; missing where the tool printed no clock")]
    detail: Annotated[str, Column("what an error said, and who said it")]
    source: SourceId


class RoundTrip(NamedTuple):
    """One run of round-trip measurements from one place to one target."""

    vantage: Annotated[str, Column("where the probe stood, as the case names it; empty where nothing tells")]
    target: Annotated[str, Column("what the command was given")]
    address: Annotated[str, Column("address that was probed, empty where the name did not resolve")]
    method: Annotated[str, Column("`icmp`")]
    sent: Annotated[int | None, Column("probes sent; missing where the capture is cut before its summary")]
    answered: Annotated[int, Column("probes answered, duplicates not counted")]
    loss: Annotated[float | None, Column("lost share of the probes sent", "1")]
    loss_low: Annotated[float | None, Column("lower end of its 95 % Wilson interval", "1")]
    loss_high: Annotated[float | None, Column("upper end of its 95 % Wilson interval", "1")]
    min: Annotated[float | None, Column("shortest round trip", "ms")]
    median: Annotated[float | None, Column("median; missing where only a summary was printed", "ms")]
    p95: Annotated[
        float | None, Column("95th percentile (nearest rank), without the first probe where it is the slowest", "ms")
    ]
    max: Annotated[float | None, Column("longest round trip", "ms")]
    mean: Annotated[float | None, Column("mean", "ms")]
    deviation: Annotated[float | None, Column("deviation as the tool printed it", "ms")]
    first_time: Annotated[datetime | None, Column("first answer; missing where the tool printed no clock")]
    last_time: Annotated[datetime | None, Column("last answer; missing where the tool printed no clock")]
    complete: Annotated[bool, Column("the summary is there, so nothing was cut off")]
    p95_line: Annotated[int | None, Column("source of the answer at the 95th percentile, where each is printed")]
    source: SourceId


class FileRead(NamedTuple):
    """One file or archive member, and what became of it."""

    file: Annotated[str, Column("name; `!` parts an archive from its member")]
    kind: Annotated[str, Column("what it was taken for, by its content")]
    bytes: Annotated[int, Column("size after decompression, as far as it was read", "B")]
    rows: Annotated[int, Column("rows read from it")]
    issues: Annotated[int, Column("issues met in it")]
    first_time: Annotated[datetime | None, Column("oldest time stamp in it")]
    last_time: Annotated[datetime | None, Column("newest time stamp in it")]
    complete: Annotated[bool, Column("nothing shows that its end is missing")]
    source: SourceId


class Issue(NamedTuple):
    """Something in the input that is not a row, and why."""

    file: Annotated[str, Column("name as in `files`")]
    line: Annotated[int | None, Column("line, counted from 1; missing where the whole file is meant")]
    kind: Annotated[str, Column("what is wrong, one word")]
    text: Annotated[str, Column("the line, or what was found and what was expected")]


TABLES: dict[str, type[Any]] = {
    "files": FileRead,
    "issues": Issue,
    "settings": Setting,
    "alarms": Alarm,
    "configuration_changes": ConfigurationChange,
    "replication": Replication,
    "certificates": Certificate,
    "round_trips": RoundTrip,
    "probes": Probe,
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
    if own[-1].name != "source":
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

    schema = columns(table)
    data: dict[str, Any] = {}
    offset = 0
    if schema[0].name == "peer":
        offset = 1
        peers = [peer_of(row[-1]) if peer_of else None for row in rows]
        data["peer"] = pd.array(peers, dtype="string")
    for position, column in enumerate(schema[offset:]):
        values = [row[position] for row in rows]
        data[column.name] = _series(values, column.dtype)
    return pd.DataFrame(data, columns=[column.name for column in schema])


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
