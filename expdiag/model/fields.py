"""Every fact of every peer: what counts, where it was found, where else it was looked for, what says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from expdiag.evidence import SourceBook, file_number
from expdiag.intake import CaseFile
from expdiag.model import places
from expdiag.model.cluster import Cluster
from expdiag.model.facts import Fact
from expdiag.model.peers import Peer
from expdiag.model.settings import Mention, Settings, rivals
from expdiag.tables import FieldFound


def table(cluster: Cluster, sources: SourceBook) -> tuple[FieldFound, ...]:
    """Return one row per peer and field, several for a field that has an index.

    A peer without exports is left out: nothing was looked at.
    """
    return tuple(
        row
        for peer in cluster.peers
        if peer.seen
        for field in places.fields()
        for row in _rows(peer, field, cluster, sources)
    )


def _rows(peer: Peer, field: str, cluster: Cluster, sources: SourceBook) -> Iterator[FieldFound]:
    made = places.is_made(field)
    mentions = {} if made else peer.settings.mentions_by_number(field)
    chosen = _made(peer, field) if made else _chosen(peer.settings, field)
    stated = _stated(peer, field, cluster)
    if not chosen and not stated:
        yield FieldFound(peer.name, field, None, None, "", _others(field, None), (), None)
    for number in sorted(chosen.keys() | stated.keys(), key=lambda number: number or 0):
        fact = chosen.get(number) or stated[number]
        place = _place_of(fact, mentions.get(number, ()))
        others = () if places.is_passing(field) else rivals(mentions.get(number, ()), fact, number)
        conflicts = [f"{m.place} says {m.value!r} ({_where(m.source, sources)})" for m in others]
        said = stated.get(number)
        if said and (said.value or "").casefold() != (fact.value or "").casefold():
            conflicts.append(f"case.toml: {places.stated(field)} says {said.value!r}")
        source = fact.sources[0] if fact.sources else None
        found = f"{place.place.tree}: {place.path}" if place else f"case.toml: {places.stated(field)}"
        if made and number in chosen:
            found = "what the places below say together"
        looked = _others(field, place)
        yield FieldFound(peer.name, field, number, fact.value, found, looked, tuple(conflicts), source)


def _chosen(settings: Settings, field: str) -> dict[int | None, Fact[str]]:
    if places.has_index(field):
        return {number: fact for number, fact in settings.values(field).items() if fact.value}
    fact = settings.value(field)
    return {None: fact} if fact.value else {}


def _made(peer: Peer, field: str) -> dict[int | None, Fact[str]]:
    """Return a fact that no single place shows, where the exports and not `case.toml` gave it."""
    fact: Fact[str] = getattr(peer, field, Fact())  # several values of two indexes are not one fact
    exported = all(file_number(source) in peer.files for source in fact.sources)
    return {None: fact} if fact.known and fact.sources and exported else {}


def _stated(peer: Peer, field: str, cluster: Cluster) -> dict[int | None, Fact[str]]:
    """Return what `case.toml` says of a field."""
    section, _, key = places.stated(field).partition(".")
    if not section:
        return {}
    facts = cluster.facts
    if section != "peers":
        return _as_facts(field, getattr(getattr(facts, section), key), facts, f"{section}.{key}")
    for name, of_peer in facts.peers.items():
        if cluster.directory.find(name) == peer.name:
            return _as_facts(field, getattr(of_peer, key), facts, f"peers.{name}.{key}")
    return {}


def _as_facts(field: str, value: object, facts: CaseFile, key: str) -> dict[int | None, Fact[str]]:
    source = facts.sources.get(key)
    sources = () if source is None else (source,)
    if value is None:
        return {}
    if isinstance(value, Mapping):
        texts: Iterable[str] = value if field.endswith("_name") else value.values()
        return {number: Fact(text, sources) for number, text in enumerate(texts, start=1)}
    return {None: Fact(str(value), sources)}


def _place_of(fact: Fact[str], mentions: Iterable[Mention]) -> Mention | None:
    return next((mention for mention in mentions if mention.source in fact.sources), None)


def _others(field: str, found: Mention | None) -> tuple[str, ...]:
    return tuple(str(place) for place in places.places(field) if found is None or place != found.place)


def _where(source: int, sources: SourceBook) -> str:
    found = sources[source]
    return f"{found.file}:{found.line}" if found.line else found.file
