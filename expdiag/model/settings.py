"""The settings of one peer, found by field: `knowledge/fields.toml` says where each may stand.

What a log tells of a change and which alarms are up stand beside the dumps, as places of their own. A change that
was logged after a dump was taken comes before what the dump says of the same setting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from expdiag.evidence import file_number
from expdiag.intake.secrets import MASK
from expdiag.model.facts import Fact
from expdiag.model.places import INDEX, Place, fields, has_index, places, skeleton, skeletons, words
from expdiag.model.versions import Release, release
from expdiag.tables import Alarm, ConfigurationChange, Setting

_MARKS = re.compile(r"[\W_]+")
_SPELLINGS = {"true": "on", "yes": "on", "false": "off", "no": "off", "enforcing": "enforce"}
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Mention(NamedTuple):
    """What one place says of a field; `number` is its index, None for a field that has one value.

    `is_old` tells that it stands in a bundle of which the case holds a newer one.
    """

    place: Place
    path: str
    number: int | None
    value: str
    source: int
    is_old: bool


def rivals(mentions: Iterable[Mention], chosen: Fact[str], number: int | None) -> Iterator[Mention]:
    """Yield what says something else than the value that counts, older bundles left aside.

    Lists of the REST API are counted by place and not by number, so they are no rivals of a numbered value.
    """
    for mention in mentions:
        differs = mention.value and mention.value.casefold() != (chosen.value or "").casefold()
        comparable = number is None or mention.place.tree in ("configuration", "status")
        if differs and comparable and mention.number == number and not mention.is_old:
            yield mention


class Superseded(NamedTuple):
    """What a dump says of a setting, and the later change of it in the log of the same peer."""

    row: Setting
    taken: datetime
    change: ConfigurationChange


def bare(path: str) -> str:
    """Return a path of a dump or the item of a logged change as the two are compared.

    Letter case, blanks and marks do not count, nor does the word configuration: `clusterConfiguration tls_verify`.
    """
    return _MARKS.sub("", path).lower().replace("configuration", "")


def spelled(value: str) -> str:
    """Return a value as a log and a dump are compared, which differ in case, and in how they say yes and no."""
    plain = value.strip().casefold()
    return _SPELLINGS.get(plain, plain)


def _number(path: str) -> int:
    """Return the first index of a path; a place without one holds the only value."""
    index = INDEX.search(path)
    return int(index[0]) if index else 1


class Settings:
    """All settings of one peer, the most trusted first where a place has several."""

    def __init__(
        self,
        rows: Iterable[Setting],
        cut_files: Collection[int] = (),
        last_rows: Mapping[int, int] = MappingProxyType({}),
        changes: Iterable[ConfigurationChange] = (),
        alarms: Iterable[Alarm] = (),
        old_files: Collection[int] = (),
        taken: Mapping[int, datetime] = MappingProxyType({}),
    ) -> None:
        """Take what is known of a peer.

        Args:
            rows: its settings, as far as they stand at a place of a field.
            cut_files: numbers of files whose end is missing.
            last_rows: the source of the last setting of each file.
            changes: changes its log tells of; the newest of a setting counts.
            alarms: its alarms; those that are up are places of their own.
            old_files: numbers of files of which a newer export is in the case.
            taken: when dumps were taken, by file number.
        """
        self._taken = taken
        self._changed: dict[str, ConfigurationChange] = {}
        self._old_files = frozenset(old_files)
        self._cut_files = frozenset(cut_files)
        self._last_rows = last_rows
        self._by_place: dict[tuple[str, str], list[Setting]] = {}
        self._by_last_word: dict[tuple[str, str], list[str]] = {}
        known = list(rows)
        for row, shape in zip(known, skeletons([row.path for row in known]), strict=True):
            self._take(row, shape)
        for change in sorted(changes, key=lambda change: change.time or _EARLIEST, reverse=True):
            if change.new is not None:
                if change.time and MASK not in change.new:
                    self._changed.setdefault(bare(change.item), change)
                self._take(Setting("log", change.item, change.new, change.source), skeleton(change.item))
        self._changed_elsewhere = self._of_other_names() if self._changed else ()
        for alarm in alarms:
            if alarm.still_up and alarm.number:
                self._take(Setting("alarm", str(alarm.number), "raised", alarm.source), str(alarm.number))

    def _take(self, row: Setting, shape: str) -> None:
        known = self._by_place.setdefault((row.tree, shape), [])
        if not known:
            last = shape.rpartition(" ")[2]
            self._by_last_word.setdefault((row.tree, last), []).append(shape)
        known.append(row)

    @cached_property
    def release(self) -> Release | None:
        """The release the peer runs, None where no export shows it."""
        shown = self._first("version", None)
        return release(shown.value) if shown else None

    def at(self, place: Place) -> list[Setting]:
        """Return the settings at a place."""
        if not place.tail:
            return self._by_place.get((place.tree, place.skeleton), [])
        last = place.skeleton.rpartition(" ")[2]
        shapes = self._by_last_word.get((place.tree, last), ())
        ends = [s for s in shapes if s == place.skeleton or s.endswith(f" {place.skeleton}")]
        return [row for shape in ends for row in self._by_place[(place.tree, shape)]]

    def is_said_once(self, field: str) -> bool:
        """Whether nothing can contradict what is said of a field: one place says it, and each index there once."""
        said = [rows for place in places(field) if (rows := self.at(place))]
        numbered = has_index(field)
        once = all(len({_number(row.path) if numbered else 1 for row in rows}) == len(rows) for rows in said)
        return once and len(said) <= 1 and not self._changed

    def mentions(self, field: str) -> Iterator[Mention]:
        """Yield what the places of a field say, in the order of trust."""
        yield from self._mentions(field, self.release)

    def _mentions(self, field: str, of: Release | None) -> Iterator[Mention]:
        ours = words(field)
        for place in places(field, of):
            for row in self.at(place):
                if later := self.superseded(row):
                    new = later.change.new or ""
                    at = _number(row.path) if has_index(field) else None
                    yield Mention(place, row.path, at, ours.get(new.lower(), new), later.change.source, False)
                value = place.means if place.means is not None else row.value
                is_old = file_number(row.source) in self._old_files
                number = _number(row.path) if has_index(field) else None
                yield Mention(place, row.path, number, ours.get(value.lower(), value), row.source, is_old)

    @property
    def old_files(self) -> frozenset[int]:
        """Numbers of files of which a newer export is in the case."""
        return self._old_files

    @property
    def changed(self) -> Mapping[str, ConfigurationChange]:
        """The newest logged change of each setting that tells its new value, by its `bare` item."""
        return self._changed

    def _of_other_names(self) -> tuple[tuple[Place, ConfigurationChange], ...]:
        """Return the changes of fields that a log calls by another name than dumps do, by the places of dumps."""
        return tuple(
            (place, change)
            for field in fields()
            for logged in places(field)
            if logged.tree == "log" and (change := self._changed.get(bare(logged.path)))
            for place in places(field)
            if place.tree in ("configuration", "status")
        )

    def change_of(self, path: str) -> ConfigurationChange | None:
        """Return the newest logged change of a setting that tells its new value."""
        if not self._changed:
            return None
        if found := self._changed.get(bare(path)):
            return found
        shape = skeleton(path) if self._changed_elsewhere else ""
        return next((change for place, change in self._changed_elsewhere if place.holds(shape)), None)

    def out_of_date(self) -> Iterator[Superseded]:
        """Yield the settings at places of fields that were changed after they were dumped."""
        rows = (row for known in self._by_place.values() for row in known) if self._changed else ()
        yield from (later for row in rows if (later := self.superseded(row)))

    def taken_of(self, source: int) -> datetime | None:
        """Return when the dump a source lies in was taken, None where nothing tells."""
        return self._taken.get(file_number(source))

    def superseded(self, row: Setting) -> Superseded | None:
        """Return the change that was logged after a dump was taken and says something else than the dump."""
        if not self._changed or row.tree not in ("configuration", "status"):
            return None
        change, taken = self.change_of(row.path), self.taken_of(row.source)
        if change is None or taken is None or change.time is None or change.time <= taken:
            return None
        return None if spelled(change.new or "") == spelled(row.value) else Superseded(row, taken, change)

    def _first(self, field: str, of: Release | None) -> Mention | None:
        empty = None
        for mention in self._mentions(field, of):
            if mention.value:
                return mention
            empty = empty or mention
        return empty

    def value(self, field: str) -> Fact[str]:
        """Return a field that has one value, from the first place that is not empty."""
        chosen = self._first(field, self.release)
        return Fact(chosen.value, (chosen.source,)) if chosen else Fact()

    def mentions_by_number(self, field: str) -> Mapping[int | None, Sequence[Mention]]:
        """Return what the places of a field say, in the order of trust, by index."""
        found: dict[int | None, list[Mention]] = {}
        for mention in self.mentions(field):
            found.setdefault(mention.number, []).append(mention)
        return found

    def values(self, field: str) -> dict[int, Fact[str]]:
        """Return a field that has one value per index, by index; the first place that holds any counts.

        An index whose value is empty is there with an empty text: the evidence says that it is not set.
        """
        found: dict[int, Fact[str]] = {}
        chosen: Place | None = None
        for mention in self.mentions(field):
            chosen = chosen or mention.place
            if mention.place == chosen:
                found.setdefault(mention.number or 0, Fact(mention.value, (mention.source,)))
        return dict(sorted(found.items()))

    def ends_in(self, listed: Mapping[int, Fact[str]], full: int | None = None) -> bool:
        """Whether a list is the last thing a file says, so that entries of it may be missing.

        Args:
            listed: the list, by index.
            full: how many indexes an export always prints; without it only a file that shows a cut counts.
        """
        sources = [source for fact in listed.values() for source in fact.sources]
        if not sources:
            return False
        file = file_number(sources[-1])
        suspect = file in self._cut_files or (full is not None and len(listed) < full)
        return suspect and self._last_rows.get(file) == max(sources)

    def own_names(self) -> list[Setting]:
        """Return what a log, or an answer of a whole cluster, calls the peer."""
        return [*self._by_place.get(("log", "host"), []), *self._by_place.get(("rest", "peer"), [])]
