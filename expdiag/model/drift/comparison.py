"""What should replicate and does not: the configurations of all peers held against each other.

Like is compared with like: XML with XML, text with text, answers of one endpoint with each other. Only where peers
share no form their common settings are compared. What one export does not print is no difference, but an entry that a
printed list lacks is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from expdiag.model.cluster import Cluster
from expdiag.model.drift import replication
from expdiag.model.drift.dumps import REST, TEXT, XML, Dump, configurations
from expdiag.model.drift.entries import Leaf, differences_of_list, split
from expdiag.model.drift.oddities import Sought, odd_paths
from expdiag.model.peers import Peer
from expdiag.model.settings import spelled
from expdiag.tables import Setting


class Said(NamedTuple):
    """What one peer's export shows of a setting; `value` is None for an entry of a list that is not there.

    `dumped` is what its dump says, where a later change in its log takes the place of that.
    """

    value: str | None
    path: str
    source: int | None
    dumped: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not the same on all peers.

    Attributes:
        where: the setting, an entry of a list by its name.
        said: what the peers say, by peer; those that do not show it are left out.
        is_silent: sources do not say whether it replicates.
        judged_by: the requirement that judges it, empty where that is drift itself.
        older: peers whose export is older than a change of this setting in the log of another.
    """

    where: str
    said: Mapping[str, Said]
    is_silent: bool
    judged_by: str
    older: tuple[str, ...] = ()

    @property
    def subtree(self) -> str:
        """The part of the configuration it stands in."""
        return " ".join(self.where.split()[:2])

    @property
    def sources(self) -> tuple[int, ...]:
        """Where it stands, on each peer."""
        return tuple(said.source for said in self.said.values() if said.source is not None)


@dataclass(frozen=True, slots=True)
class Drift:
    """How the configurations of all peers compare.

    Attributes:
        differences: what is not the same, in order of the settings.
        mended: what was not the same when it was dumped, but is after the changes that logs show.
        dumps: the configuration of each peer by its name and form.
        apart: how long after the oldest of the dumps the newest was taken; None where nothing tells.
        samples: for each peer the source of a setting that replicates, None where its dump shows none.
    """

    differences: tuple[Difference, ...]
    mended: tuple[Difference, ...]
    dumps: Mapping[tuple[str, str], Dump]
    apart: timedelta | None
    samples: Mapping[str, int | None]

    def dump_of(self, peer: str) -> Dump | None:
        """Return the most complete dump of a peer, None where there is none; answers of the REST API are no dump."""
        return _best(peer, self.dumps)


def drift(cluster: Cluster) -> Drift:
    """Compare the configurations of all peers."""
    dumps = configurations(cluster)
    found: dict[str, dict[str, Leaf]] = {}
    for group, is_mixed in _groups(cluster, dumps):
        for where, said in _compare(group, is_mixed=is_mixed).items():
            known = found.setdefault(where, {})
            known.update({name: leaf for name, leaf in said.items() if name not in known})
    peers = {peer.name: peer for peer in cluster.peers}
    judged = [one for where, said in sorted(found.items()) if (one := _difference(where, said, peers))]
    times = [dump.taken for dump in dumps.values() if dump.taken]
    return Drift(
        differences=tuple(one for one in judged if _differs(one)),
        mended=tuple(one for one in judged if not _differs(one)),
        dumps=dumps,
        apart=max(times) - min(times) if times else None,
        samples={peer.name: _sample(peer.name, dumps) for peer in cluster.peers},
    )


def _groups(cluster: Cluster, dumps: Mapping[tuple[str, str], Dump]) -> list[tuple[list[Dump], bool]]:
    """Return what is to be compared, the primary's first; and whether it is of several forms."""
    ordered = sorted(cluster.peers, key=lambda peer: peer is not cluster.primary)
    by_form = {
        form: [dumps[peer.name, form] for peer in ordered if (peer.name, form) in dumps] for form in (XML, TEXT, REST)
    }
    groups = [(by_form[XML], False)]
    whole = {dump.peer for dump in by_form[XML] if dump.complete}
    if {dump.peer for dump in by_form[TEXT]} - whole:
        groups.append((by_form[TEXT], False))
        have_all = {d.peer for d in (*by_form[XML], *by_form[TEXT])}
        if all({d.peer for d in by_form[form]} != have_all for form in (XML, TEXT)):
            best = [_best(peer.name, dumps) for peer in ordered]
            groups.append(([dump for dump in best if dump], True))
    groups.append((by_form[REST], False))
    return [(group, is_mixed) for group, is_mixed in groups if len(group) > 1]


def _best(peer: str, dumps: Mapping[tuple[str, str], Dump]) -> Dump | None:
    found = [dumps[peer, form] for form in (XML, TEXT) if (peer, form) in dumps]
    return next((dump for dump in found if dump.complete), found[0] if found else None)


def _compare(dumps: Sequence[Dump], *, is_mixed: bool) -> dict[str, dict[str, Leaf]]:
    """Return what differs by where it stands, with what each peer says."""
    odd = odd_paths([dump.texts() for dump in dumps], is_mixed=is_mixed)
    odd = {path for path in odd if replication.kind(path) != replication.PEER_SPECIFIC}
    places = {path: split(path) for path in odd}
    singles = {path for path, place in places.items() if not place}
    sought = Sought.of(place for place in places.values() if place)
    said: dict[str, dict[str, Leaf]] = {}
    entries: dict[str, dict[str, dict[int, dict[str, Leaf]]]] = {name: {} for name in sought.lists}
    printed: dict[str, set[str]] = {}
    for dump in dumps if odd else ():
        paths, values = dump.columns()
        compared = [path.lower() for path in paths] if is_mixed else paths
        printed[dump.peer] = sought.printed(compared)
        for number in [number for number, path in enumerate(compared) if path in singles]:
            said.setdefault(compared[number], {})[dump.peer] = Leaf(values[number], paths[number], dump.source(number))
        for number, (name, index, rest) in sought.found(compared):
            if replication.kind(paths[number]) != replication.PEER_SPECIFIC:
                leaf = Leaf(values[number], paths[number], dump.source(number))
                entries[name].setdefault(dump.peer, {}).setdefault(index, {})[rest] = leaf
    for name, by_peer in entries.items():
        whole = {dump.peer for dump in dumps if dump.complete and _prints(name, dump, printed, is_mixed=is_mixed)}
        said.update(differences_of_list(name, by_peer, whole, is_mixed=is_mixed))
    told = {where: leaves for where, leaves in said.items() if _differ(leaves, is_mixed=is_mixed)}
    return {_as_printed(where, leaves): leaves for where, leaves in told.items()} if is_mixed else told


def _as_printed(where: str, leaves: Mapping[str, Leaf]) -> str:
    """Return where a difference stands in the letter case of the exports, not in that of the comparison."""
    path = next(iter(leaves.values())).path
    begin = next((n for n, (a, b) in enumerate(zip(where, path.lower(), strict=False)) if a != b), len(path))
    rest = where[begin:]
    end = len(rest.rpartition('"')[2]) if '"' in rest else 0
    return path[:begin] + (rest[: len(rest) - end] + path[len(path) - end :] if end else rest)


def _differ(leaves: Mapping[str, Leaf], *, is_mixed: bool) -> bool:
    said = {None if leaf.value is None else leaf.value.strip() for leaf in leaves.values()}
    return len({text and text.casefold() for text in said} if is_mixed else said) > 1


def _prints(name: str, dump: Dump, printed: Mapping[str, set[str]], *, is_mixed: bool) -> bool:
    """Whether a dump would print an entry of a list if there were one: it prints others, or all that stands around."""
    words = printed[dump.peer]
    if name in words:
        return True
    if is_mixed or dump.form == REST:
        return False
    everything = {word for found in printed.values() for word in found if " " not in word}
    own = {word for word in words if " " not in word}
    return (name.partition(" ")[0] in own and " " in name) or 4 * len(own) >= 3 * len(everything)


def _difference(where: str, leaves: Mapping[str, Leaf], peers: Mapping[str, Peer]) -> Difference | None:
    """Return a difference, None for one that is no drift: identifiers, moments, names of the peer itself."""
    values = {(leaf.value or "").strip() for leaf in leaves.values()}
    if replication.tells_nothing(values) or _names_itself(leaves, peers):
        return None
    said = {name: _newest(peers[name], leaf) for name, leaf in sorted(leaves.items())}
    path = next(leaf.path for leaf in leaves.values())
    older = _older(said, peers)
    is_silent = replication.kind(path) == replication.SILENT
    return Difference(
        where, said, is_silent, replication.judged_by(path, {one.value or "" for one in said.values()}), older
    )


def _newest(peer: Peer, leaf: Leaf) -> Said:
    """Return what counts on a peer: the change its log shows after the dump was taken, else the dump."""
    if leaf.source is not None and leaf.value is not None:
        later = peer.settings.superseded(Setting("configuration", leaf.path, leaf.value, leaf.source))
        if later:
            return Said(later.change.new, leaf.path, later.change.source, leaf.value)
    return Said(leaf.value, leaf.path, leaf.source)


def _differs(one: Difference) -> bool:
    """Whether it still is one after the changes that logs show."""
    changed = any(said.dumped is not None for said in one.said.values())
    return not changed or len({spelled(said.value or "") for said in one.said.values()}) > 1


def _older(said: Mapping[str, Said], peers: Mapping[str, Peer]) -> tuple[str, ...]:
    """Return the peers that were dumped before another peer's log shows a change of the setting."""
    changes = [
        (name, change.time)
        for name, one in said.items()
        if (change := peers[name].settings.change_of(one.path)) and change.time
    ]
    if not changes:
        return ()
    changed_on, when = max(changes, key=lambda change: change[1])
    return tuple(
        name for name, one in said.items() if name != changed_on and _before(peers[name], one.source, when, said)
    )


def _before(peer: Peer, source: int | None, when: datetime, said: Mapping[str, Said]) -> bool:
    taken = peer.settings.taken_of(source) if source is not None else None
    return taken is not None and taken < when and said[peer.name].dumped is None


def _names_itself(leaves: Mapping[str, Leaf], peers: Mapping[str, Peer]) -> bool:
    """Whether a value differs only because each peer's own name or address stands in it."""
    plain = set()
    for name, leaf in leaves.items():
        if leaf.value is None:
            return False
        peer, value = peers[name], leaf.value.casefold()
        own = [peer.fqdn.value, *map(str, peer.addresses), *map(str, peer.nat_addresses)]
        replaced = value
        for text in filter(None, own):
            replaced = replaced.replace(text.casefold(), "\0")
        if replaced == value:
            return False
        plain.add(replaced)
    return len(plain) == 1


def _sample(peer: str, dumps: Mapping[tuple[str, str], Dump]) -> int | None:
    dump = _best(peer, dumps)
    return dump.first(lambda path: replication.kind(path) == replication.REPLICATES) if dump else None
