"""The TLS verification mode of a peer: what tells it, and what says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from expdiag.model.cluster import Cluster
from expdiag.model.peers import TLS_MODES, Peer
from expdiag.model.places import words
from expdiag.tables import Alarm, ConfigurationChange

ENFORCE, PERMISSIVE = TLS_MODES
PERMISSIVE_ALARM, RESTART_ALARM = 40049, 20020
_FIELD = "tls_verification_mode"


@dataclass(frozen=True, slots=True)
class Said:
    """What one place says of the mode.

    Attributes:
        place: `configuration`, `rest`, `status`, `log`, `alarm` or `case.toml`.
    """

    value: str
    place: str
    source: int

    def __str__(self) -> str:
        return f"{_PLACES.get(self.place, self.place)} says {self.value}"


_PLACES = {
    "configuration": "its configuration",
    "rest": "the REST API",
    "status": "its status",
    "log": "a change in its log",
    "alarm": f"alarm {PERMISSIVE_ALARM}, which is up,",
}


@dataclass(frozen=True, slots=True)
class Mode:
    """The mode of a peer.

    Attributes:
        value: `Enforce` or `Permissive`; None where nothing tells, or where nothing tells which of two is right.
        said: the evidence for it; for None all that contradicts itself.
        against: evidence that says otherwise and does not count.
        of_others: it is what the other peers agree on, because the mode is one setting of the cluster.
        restart: the alarm that says that another mode is active until a restart.
    """

    value: str | None = None
    said: tuple[Said, ...] = ()
    against: tuple[Said, ...] = ()
    of_others: bool = False
    restart: int | None = None

    @property
    def enforced(self) -> bool:
        """Whether it is certain that the peer verifies the others."""
        return self.value == ENFORCE

    @property
    def sources(self) -> tuple[int, ...]:
        """Sources of all that is said."""
        restart = () if self.restart is None else (self.restart,)
        return (*(said.source for said in (*self.said, *self.against)), *restart)

    @property
    def contradicts_itself(self) -> bool:
        """Whether the evidence says both, and nothing tells which is right."""
        return self.value is None and bool(self.said)


def modes(cluster: Cluster) -> dict[str, Mode]:
    """Return the mode of every peer: its own evidence, else what the others agree on."""
    return cluster.view(_modes)


def mode_of(cluster: Cluster, peer: Peer) -> Mode:
    """Return the mode of one peer."""
    return modes(cluster)[peer.name]


def demanded_of(cluster: Cluster, peer: Peer) -> Mode:
    """Return the mode that decides whether the certificate of a peer must be valid.

    One peer that verifies the others is enough, be it this one, since connections go both ways; where the others are
    Permissive and this peer's own evidence contradicts itself, nothing tells.
    """
    found = [modes(cluster)[peer.name], *(mode for name, mode in modes(cluster).items() if name != peer.name)]
    restart = found[0].restart
    for value in (ENFORCE, None, PERMISSIVE):
        those = [mode for mode in found if mode.value == value]
        if those:
            said = dict.fromkeys(said for mode in those for said in mode.said)
            against = dict.fromkeys(said for mode in (*those, found[0]) for said in mode.against)
            against |= dict.fromkeys(said for said in found[0].said if value and said.value != value)
            return Mode(value, tuple(said), tuple(against), restart=restart)
    return found[0]


def _modes(cluster: Cluster) -> dict[str, Mode]:
    own = {peer.name: _own(cluster, peer) for peer in cluster.peers}
    known = [mode for mode in own.values() if mode.value]
    agreed = known[0] if len({mode.value for mode in known}) == 1 else None
    return {
        name: Mode(agreed.value, agreed.said, agreed.against, of_others=True, restart=mode.restart)
        if agreed and not mode.said
        else mode
        for name, mode in own.items()
    }


def _own(cluster: Cluster, peer: Peer) -> Mode:
    """Weigh what is said of a peer.

    A dump that shows the value from which a log tells a change was written before that change. An alarm that is up
    tells of the mode that is active; where the configured one differs, `case.toml` decides, else nothing does. What
    `case.toml` says alone gives way to any export.
    """
    restart = next((alarm.source for alarm in peer.raised(RESTART_ALARM) if alarm.still_up), None)
    configured, stale = _configured(cluster, peer)
    reminder = next((alarm for alarm in peer.raised(PERMISSIVE_ALARM) if alarm.still_up), None)
    alarm = Said(PERMISSIVE, "alarm", reminder.source) if reminder else None
    stated = _stated(cluster)
    exported = [said for said in (configured, alarm) if said]
    if not exported:
        return Mode(stated.value, (stated,), stale, restart=restart) if stated else Mode(restart=restart)
    values = {said.value for said in exported}
    if len(values) == 1:
        other = (stated,) if stated and stated.value not in values else ()
        return Mode(exported[0].value, tuple(exported), (*stale, *other), restart=restart)
    assert configured  # beside the alarm
    before = restart is not None or _is_newer(cluster, configured, reminder)
    decided = configured if before else stated
    if decided is None:
        return Mode(None, tuple(exported), stale)
    weighed = [*exported, *([] if before else [decided])]
    return Mode(
        decided.value,
        tuple(said for said in weighed if said.value == decided.value),
        (*(said for said in weighed if said.value != decided.value), *stale),
        restart=restart,
    )


def _is_newer(cluster: Cluster, configured: Said, alarm: Alarm | None) -> bool:
    """Whether a logged change came after an alarm, which then tells of the mode before."""
    change = _change(cluster, configured)
    return bool(change and change.time and alarm and alarm.time and change.time > alarm.time)


def _change(cluster: Cluster, said: Said) -> ConfigurationChange | None:
    rows = cluster.rows["configuration_changes"] if said.place == "log" else ()
    return next((row for row in rows if row.source == said.source), None)


def _configured(cluster: Cluster, peer: Peer) -> tuple[Said | None, tuple[Said, ...]]:
    """Return the mode that is configured, and what a logged change has overtaken."""
    dumps = [said for said in _mentions(peer) if said.place not in ("log", "alarm")]
    dump = dumps[0] if dumps else None
    logged = next((said for said in _mentions(peer) if said.place == "log"), None)
    if dump is None or logged is None:
        return dump or logged, ()
    if logged.value == dump.value:
        return dump, ()
    change = _change(cluster, logged)
    before = words(_FIELD).get((change.old or "").strip("'\" ").lower()) if change else None
    return (logged, (dump,)) if before == dump.value else (dump, (logged,))


def _mentions(peer: Peer) -> Iterator[Said]:
    for mention in peer.settings.mentions(_FIELD):
        if mention.value in TLS_MODES and not mention.is_old:
            yield Said(mention.value, mention.place.tree, mention.source)


def _stated(cluster: Cluster) -> Said | None:
    value = cluster.facts.cluster.tls_verification_mode
    source = cluster.facts.sources.get("cluster.tls_verification_mode")
    return Said(value, "case.toml", source) if value and source is not None else None
