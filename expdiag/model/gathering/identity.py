"""Which files were exported by one and the same peer.

Files of one archive or folder belong together unless they contradict each other. Serial numbers come before names
and names before addresses, because two peers that share a name or an address are a fault to be found, not one peer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from expdiag.model.gathering import filenames
from expdiag.model.gathering.claims import Claims, claims_of
from expdiag.tables import Setting


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
    names: Mapping[int, str], settings: Iterable[Setting], evidence: frozenset[int], residents: Collection[int]
) -> tuple[list[Bundle], list[int]]:
    """Group files by the peer they come from.

    Args:
        names: file names by file number.
        settings: all settings of the case.
        evidence: numbers of the files that hold rows of a peer: dumps, logs, certificates.
        residents: numbers of the files themselves; the others are of those who only speak in a file of another peer.

    Returns:
        one bundle per peer, in the order of the file names, and the files that could not be placed.
    """
    guests = {file for file in evidence if file not in residents}
    claims = claims_of(names, settings, evidence, guests)
    by_container: dict[str, list[int]] = {}
    for file in sorted(evidence):
        by_container.setdefault(filenames.container(names[file]), []).append(file)
    groups = [Bundle({file}, claims[file]) for file in sorted(guests)]
    for members in by_container.values():
        groups += _split([file for file in members if file not in guests], claims)
    merged = _merge(group for group in groups if group.claims)
    unclaimed = sorted(file for group in groups if not group.claims for file in group.files)
    unplaced = [file for file in unclaimed if file in guests or not _place_beside(file, merged, names)]
    merged.sort(key=lambda bundle: min(names[file] for file in bundle.files))
    return merged, unplaced


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


def _place_beside(file: int, bundles_: list[Bundle], names: Mapping[int, str]) -> bool:
    """Put a file that names no peer to the one peer whose files lie in the same archive or folder, however deep."""
    folder = filenames.folder(names[file])
    others = [{names[other] for other in bundle.files} - {names[file]} for bundle in bundles_]
    for above in (folder, *folder.parents):
        if str(above) == ".":
            return False
        near = [
            bundle
            for bundle, beside in zip(bundles_, others, strict=True)
            if any(_is_below(name, str(above)) for name in beside)
        ]
        if near:
            if len(near) == 1:
                near[0].files.add(file)
            return len(near) == 1
    return False


def _is_below(name: str, folder: str) -> bool:
    return f"{filenames.folder(name)}/".startswith(f"{folder}/")
