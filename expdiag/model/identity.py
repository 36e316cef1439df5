"""Which files were exported by one and the same peer.

Files of one archive or folder belong together unless they contradict each other. Serial numbers come before names
and names before addresses, because two peers that share a name or an address are a fault to be found, not one peer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from expdiag.evidence import file_number
from expdiag.model.names import canonical, usable
from expdiag.model.settings import Settings
from expdiag.tables import Setting

# xconf_dump_e1_2026-05-01_12:00:00.xml
_DUMP = re.compile(
    r"^(?:loggingsnapshot|xconf_dump|xstat_dump|ca|server|client|eth\d+_diagnostic_logging_tcpdump\w*?)_ ?"
    r"(?P<host>[^_].*?)(?:_(?P<time>\d{4}-?\d\d-?\d\d.*?))?\.(?:txt|xml|pem|pcap|pcapng|json|log)$",
    re.I,
)
_IDENTIFYING = ("ethernet", "ip ", "systemunit", "ipprotocol", "host", "peer", "provisioning/common/dns/dns ")
_REST_ROOTS = ("provisioning", "status", "management", "api")
_HOST_BEFORE = "host before"


@dataclass(frozen=True, slots=True)
class Claims:
    """Who a file, or a group of files, says it comes from; empty where it does not say.

    Attributes:
        names: host names, from the content and from file names.
        address: address of LAN 1.
    """

    names: frozenset[str] = frozenset()
    serial: str = ""
    address: str = ""

    def contradicts(self, other: Claims, *, same_container: bool) -> bool:
        """Whether the two cannot come from one peer.

        Inside one archive a name outweighs an address: a dump of the configuration may hold an address that the
        status, before the restart, does not yet show.
        """
        if self.serial and other.serial:
            return self.serial != other.serial
        if self.names and other.names:
            if not self.names & other.names:
                return True
            if same_container:
                return False
        return bool(self.address and other.address and self.address != other.address)

    def shares(self, other: Claims) -> bool:
        """Whether the two say something alike."""
        return bool(
            (self.serial and self.serial == other.serial)
            or self.names & other.names
            or (self.address and self.address == other.address)
        )

    def joined(self, other: Claims) -> Claims:
        """Return what both say together."""
        return Claims(self.names | other.names, self.serial or other.serial, self.address or other.address)

    def __bool__(self) -> bool:
        return bool(self.names or self.serial or self.address)


@dataclass(slots=True)
class Bundle:
    """Files that come from one peer."""

    files: set[int]
    claims: Claims = field(default_factory=Claims)

    def take(self, other: Bundle) -> None:
        """Add files of the same peer."""
        self.files |= other.files
        self.claims = self.claims.joined(other.claims)


def bundles(
    names: Mapping[int, str], settings: Iterable[Setting], evidence: frozenset[int]
) -> tuple[list[Bundle], list[int]]:
    """Group files by the peer they come from.

    Args:
        names: file names by file number.
        settings: all settings of the case.
        evidence: numbers of the files that hold rows of a peer: dumps, logs, certificates.

    Returns:
        one bundle per peer, in the order of the file names, and the files that could not be placed.
    """
    guests = _guests(names, evidence)
    claims = _claims(names, settings, evidence, guests)
    by_container: dict[str, list[int]] = {}
    for file in sorted(evidence):
        by_container.setdefault(container(names[file]), []).append(file)
    groups = [Bundle({file}, claims[file]) for file in sorted(guests)]
    for members in by_container.values():
        groups += _split([file for file in members if file not in guests], claims)
    merged = _merge(group for group in groups if group.claims)
    merged.sort(key=lambda bundle: min(names[file] for file in bundle.files))
    return merged, sorted(file for group in groups if not group.claims for file in group.files)


def _guests(names: Mapping[int, str], evidence: frozenset[int]) -> set[int]:
    """Return the numbers of those who only speak in a file of another peer, such as an answer of a whole cluster."""
    first: dict[str, int] = {}
    for file in sorted(evidence):
        first.setdefault(names[file], file)
    return {file for file in evidence if first[names[file]] != file}


def generation(name: str) -> tuple[str, str]:
    """Return what tells a file of one export from those of another: its container, and the time in its name."""
    dump = _DUMP.match(_base(name))
    return container(name), (dump["time"] or "") if dump else ""


def _claims(
    names: Mapping[int, str], settings: Iterable[Setting], evidence: frozenset[int], guests: Collection[int]
) -> dict[int, Claims]:
    rows: dict[int, list[Setting]] = {file: [] for file in evidence}
    for row in settings:
        if row.path.lower().startswith(_IDENTIFYING):
            rows[file_number(row.source)].append(row)
    visited = {names[file] for file in guests}
    claims = {}
    for file in evidence:
        name = "" if file in guests else names[file]
        claims[file] = _own_claims(name, rows[file], alone=name not in visited)
    _join_former_names(claims, rows, names)
    _join_system_names(claims, rows)
    known = {name for claim in claims.values() for name in claim.names}
    for file, claim in claims.items():
        if not claim.names and file not in guests and (named := _name_in_path(names[file], known)):
            claims[file] = Claims(frozenset({named}), claim.serial, claim.address)
    return claims


def _join_former_names(claims: dict[int, Claims], rows: Mapping[int, list[Setting]], names: Mapping[int, str]) -> None:
    """Give a machine that took another name during a log its former one too, unless the new one is another peer's."""
    for file, own in rows.items():
        if not any(row.path == _HOST_BEFORE for row in own):
            continue
        here = container(names[file])
        elsewhere = {name for other in claims if container(names[other]) != here for name in claims[other].names}
        speakers = [other for other in rows if names[other] == names[file]]
        if not claims[file].names & elsewhere:
            together = frozenset(name for other in speakers for name in claims[other].names)
            for other in speakers:
                claims[other] = claims[other].joined(Claims(together))


def _join_system_names(claims: dict[int, Claims], rows: Mapping[int, list[Setting]]) -> None:
    """Give a file that names its peer by the system name alone the host name that goes with it."""
    hosts = {
        system.lower(): claims[file].names
        for file, own in rows.items()
        if claims[file].names and (system := Settings(own).value("system_name").value)
    }
    for file, claim in claims.items():
        if len(claim.names) == 1 and not rows[file] and (meant := hosts.get(next(iter(claim.names)))):
            claims[file] = claim.joined(Claims(meant))


def _own_claims(name: str, rows: list[Setting], *, alone: bool) -> Claims:
    """Return what a file says of its peer.

    Args:
        name: name of the file; empty for those who only speak in a file of another peer.
        rows: its settings.
        alone: whether nobody else speaks in the file; else the host in its name may be another's.
    """
    found = Settings(rows)
    dump = _DUMP.match(_base(name)) if alone else None
    spoken = [
        found.value("host_name").value,
        dump["host"] if dump else None,
        *(row.value for row in rows if (row.tree, row.path) == ("log", "host")),
        *(row.value for row in rows if (row.tree, row.path) == ("rest", "peer")),
        _rest_folder(name),
    ]
    lan1 = next(
        (
            address
            for field_name in ("ipv4", "ipv6")
            if (fact := found.values(field_name).get(1)) and (address := usable(fact.value))
        ),
        None,
    )
    addresses = [lan1, *(usable(text) for text in spoken if text)]
    return Claims(
        names=frozenset(_host(text) for text in spoken if text and not usable(text)),
        serial=(found.value("serial").value or "").upper(),
        address=next((str(address) for address in addresses if address), ""),
    )


def _host(text: str) -> str:
    """Return the host part of a name; an address stays whole."""
    return text.lower() if usable(text) else canonical(text).partition(".")[0]


def _name_in_path(path: str, known: Iterable[str]) -> str | None:
    """Return the longest known name that stands in a path between other characters than letters and digits."""
    hits = [
        name
        for name in known
        if re.search(rf"(?<![A-Za-z0-9-]){re.escape(name)}(?![A-Za-z0-9])", path, re.I)
        or re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9-])", path, re.I)
    ]
    hits.sort(key=len, reverse=True)
    return hits[0] if len(hits) == 1 or (hits and all(hit in hits[0] for hit in hits)) else None


def _base(name: str) -> str:
    return PurePosixPath(name.replace("!", "/")).name


def container(name: str) -> str:
    """Return the archive or folder a file lies in; the folders of an endpoint's path belong to the file."""
    folder = PurePosixPath(_plain(name).replace("!", "/")).parent
    if name.lower().endswith(".json"):
        if _rest_folder(name):
            return "/".join(folder.parts[: _rest_place(folder.parts) + 2])
        root = next((place for place, part in enumerate(folder.parts) if part.lower() in _REST_ROOTS), None)
        return "/".join(folder.parts[:root]) or "."
    return str(folder)


def _rest_place(parts: Sequence[str]) -> int:
    return [part.lower() for part in parts].index("rest")


def _rest_folder(name: str) -> str:
    """Return what `rest/<peer>/` calls the peer, empty where a file lies elsewhere."""
    parts = PurePosixPath(_plain(name).replace("!", "/")).parts
    return parts[_rest_place(parts) + 1] if "rest" in (part.lower() for part in parts[:-2]) else ""


def _plain(name: str) -> str:
    """Return a name without the gz around a single file: `dump.txt.gz!dump.txt` lies where `dump.txt` would."""
    outer, parted, inner = name.rpartition("!")
    return outer.removesuffix(".gz") if parted and outer.endswith(f"{inner}.gz") else name


def _split(members: list[int], claims: Mapping[int, Claims]) -> list[Bundle]:
    """Return the files of one container as one bundle, or parted where they contradict each other."""
    whole = Bundle(set())
    for file in members:
        if whole.claims.contradicts(claims[file], same_container=True):
            break
        whole.take(Bundle({file}, claims[file]))
    else:
        return [whole]
    return _gather((Bundle({file}, claims[file]) for file in members), same_container=True)


def _merge(groups: Iterable[Bundle]) -> list[Bundle]:
    """Join bundles of one peer, surest reason first."""
    ordered = sorted(groups, key=lambda g: (not g.claims.serial, not g.claims.names, not g.claims.address))
    return _gather(ordered, same_container=False)


def _gather(parts: Iterable[Bundle], *, same_container: bool) -> list[Bundle]:
    gathered: list[Bundle] = []
    for part in parts:
        homes = [
            bundle
            for bundle in gathered
            if bundle.claims.shares(part.claims)
            and not bundle.claims.contradicts(part.claims, same_container=same_container)
        ]
        named = [bundle for bundle in homes if bundle.claims.names & part.claims.names]
        if len(homes) == 1 or len(named) == 1:
            (homes if len(homes) == 1 else named)[0].take(part)
        else:
            gathered.append(part)
    return gathered
