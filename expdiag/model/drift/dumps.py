"""The newest configuration of each peer as it was exported, form by form: all of it, not only known fields."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from expdiag.evidence import file_number
from expdiag.model.cluster import Cluster
from expdiag.tables import Leaves, Setting
from expdiag.tables.leaves import Block

XML, TEXT, REST = FORMS = ("XML", "text", "REST")
STATES = ("xStatus text", "status XML")


@dataclass(slots=True)
class Dump:
    """What a peer's newest export shows of its configuration in one form.

    Attributes:
        complete: no file of it shows that its end is missing.
        taken: when it was taken, None where nothing tells.
    """

    peer: str
    form: str
    complete: bool = True
    taken: datetime | None = None
    _runs: list[Sequence[Setting]] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _size: int = 0

    def take(self, run: Sequence[Setting]) -> None:
        """Add settings."""
        self._runs.append(run)
        self._starts.append(self._size)
        self._size += len(run)

    def __len__(self) -> int:
        return self._size

    def texts(self) -> tuple[str, str]:
        """Return all paths and all values, one a line: to be compared as they are, a large dump has half a million."""
        paths: list[str] = []
        values: list[str] = []
        for run in self._runs:
            if isinstance(run, Block):
                paths.append(run.paths)
                values.append(run.values)
            else:
                paths += [row.path for row in run]
                values += [row.value.replace("\n", " ") for row in run]
        return "\n".join(paths), "\n".join(values)

    def columns(self) -> tuple[list[str], list[str]]:
        """Return all paths and all values."""
        paths, values = self.texts()
        return paths.split("\n"), values.split("\n")

    def first(self, fits: Callable[[str], bool]) -> int | None:
        """Return the source of the first setting whose path fits, None where there is none."""
        for run in self._runs:
            paths = run.paths.split("\n") if isinstance(run, Block) else [row.path for row in run]
            place = next((place for place, path in enumerate(paths) if fits(path)), None)
            if place is not None:
                return run.first + place if isinstance(run, Block) else run[place].source
        return None

    def source(self, number: int) -> int:
        """Return the source of a setting, counted from 0."""
        at = bisect_right(self._starts, number) - 1
        run, place = self._runs[at], number - self._starts[at]
        return run.first + place if isinstance(run, Block) else run[place].source


def configurations(cluster: Cluster) -> dict[tuple[str, str], Dump]:
    """Return the configuration of each peer by its name and form; older exports are left out."""
    files = {file_number(row.source): row for row in cluster.rows["files"]}
    peers = {peer.name: peer for peer in cluster.peers}
    found: dict[tuple[str, str], Dump] = {}
    for tree, run in _runs(cluster):
        source = run.first if isinstance(run, Block) else run[0].source
        number = file_number(source)
        peer = peers.get(cluster.peer_of_file.get(number, ""))
        if peer is None or number in peer.settings.old_files:
            continue
        kind = files[number].kind if number in files else ""
        form = REST if tree == "rest" else XML if kind.endswith("XML") else TEXT
        dump = found.setdefault((peer.name, form), Dump(peer.name, form))
        dump.take(run)
        dump.complete = dump.complete and (number not in files or files[number].complete)
        if taken := peer.settings.taken_of(source):
            dump.taken = max(taken, dump.taken or taken)
    return found


def _runs(cluster: Cluster) -> Iterator[tuple[str, Sequence[Setting]]]:
    settings = cast("Leaves", cluster.rows["settings"])
    for tree in ("configuration", "rest"):
        for run in settings.runs(tree, file_number):
            yield tree, run


def states(cluster: Cluster) -> dict[str, int]:
    """Return the source of the newest whole status of each peer, which lists the alarms that are up."""
    found: dict[str, int] = {}
    for row in cluster.rows["files"]:
        name = cluster.peer_of_file.get(file_number(row.source))
        peer = next((peer for peer in cluster.peers if peer.name == name), None)
        is_current = peer and row.complete and file_number(row.source) not in peer.settings.old_files
        if name and is_current and row.kind in STATES:
            found.setdefault(name, row.source)
    return found
