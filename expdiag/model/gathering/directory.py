"""Which peer a name or address means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from expdiag.model.names import Address, address, canonical, join
from expdiag.model.peers import Peer


class Directory:
    """Which peer a name or address means."""

    def __init__(self, peers: Iterable[Peer], mapping: Mapping[str, str]) -> None:
        self._surely: dict[str, set[str]] = {}
        self._perhaps: dict[str, set[str]] = {}
        self._without_domain: dict[str, set[str]] = {}  # by host name; any domain may be theirs
        self._mapping = {canonical(name): address(text) for name, text in mapping.items()}
        peers = list(peers)
        for peer in peers:
            self._learn(peer)
        for peer in peers:
            self._learn_in_domains_of(peer, peers)

    def _learn(self, peer: Peer) -> None:
        for found in peer.addresses:
            self._surely.setdefault(str(found), set()).add(peer.name)
        for name in (peer.name, peer.host_name.value, peer.fqdn.value):
            if name:
                self._surely.setdefault(canonical(name), set()).add(peer.name)
        if peer.host_name.value and not peer.domain.known:
            self._without_domain.setdefault(canonical(peer.host_name.value), set()).add(peer.name)
        mapped = [at for name in (peer.fqdn.value, *peer.aliases) if name and (at := self.mapped(name))]
        for text in (peer.system_name.value, *map(str, (*peer.nat_addresses, *mapped)), *peer.aliases):
            if text:
                self._perhaps.setdefault(_key(text), set()).add(peer.name)

    def _learn_in_domains_of(self, peer: Peer, peers: Iterable[Peer]) -> None:
        """Learn what a peer would be called in the domain of another: its own may be set wrongly, which R17 judges."""
        if not peer.host_name.value or not peer.domain.known:
            return
        for domain in {canonical(other.domain.value) for other in peers if other.domain.value}:
            self._perhaps.setdefault(canonical(join(peer.host_name.value, domain)), set()).add(peer.name)

    def mapped(self, entry: str) -> Address | None:
        """Return the address the cluster address mapping gives a name."""
        return self._mapping.get(canonical(entry))

    def find(self, text: str) -> str | None:
        """Return the name of the one peer a text means, None for none or several."""
        return next((next(iter(names)) for names in self._candidates(text) if len(names) == 1), None)

    def all(self, text: str) -> set[str]:
        """Return the names of all peers a text may mean."""
        return set[str]().union(*self._candidates(text))

    def _candidates(self, text: str) -> list[set[str]]:
        """Return whom a text may mean, surest reading first: own names, the address mapping, names others use."""
        key, mapped = _key(text), self.mapped(text)
        return [
            self._surely.get(key, set()),
            self._surely.get(str(mapped), set()) if mapped else set(),
            self._perhaps.get(key, set()),
            self._perhaps.get(str(mapped), set()) if mapped else set(),
            self._without_domain.get(key.partition(".")[0], set()) if address(text) is None else set(),
        ]


def _key(text: str) -> str:
    found = address(text)
    return str(found) if found else canonical(text)
