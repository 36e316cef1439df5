"""Option keys as what they open, and whether a peer is licensed by them or by smart licensing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from expdiag import knowledge
from expdiag.model.facts import Fact
from expdiag.model.settings import Settings
from expdiag.model.versions import Release, change

# 116341Y05-1-********
_KEY = re.compile(r"^\s*[0-9][0-9A-Z]{5}(?P<letter>[A-Z])(?P<number>[0-9]{1,6})-[0-9]{1,6}-", re.I)
# A release key: 16 digits, made for one serial number, and no option
_RELEASE_KEY = re.compile(r"^\s*[0-9]{16}\s*$")


@dataclass(frozen=True, slots=True)
class Option:
    """What option keys of one kind open on a peer.

    Attributes:
        letter: of the keys, `Y`.
        count: licences they hold together; 0 of a feature.
    """

    letter: str
    count: int = 0

    @property
    def code(self) -> str:
        """As the list of products writes it: `Y5`, `J00`."""
        return f"{self.letter}{self.count or '00'}"

    @property
    def name(self) -> str:
        """What it opens, in words."""
        return str(_codes().get(self.letter, {}).get("name", "an option that is not in the list of products"))

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


@cache
def _codes() -> Mapping[str, Mapping[str, Any]]:
    codes: Mapping[str, Mapping[str, Any]] = knowledge.load("options")["code"]
    return codes


def decode(key: str) -> Option | None:
    """Return what one key opens, None for a text that is no option key."""
    match = _KEY.match(key)
    return Option(match["letter"].upper(), int(match["number"])) if match else None


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a peer, by letter, and keys that nobody understands.

    Two keys of one letter add up, as licences do.
    """

    by_letter: Mapping[str, Option]
    strange: tuple[str, ...] = ()

    def __str__(self) -> str:
        found = [str(option) for option in self.by_letter.values()]
        return ", ".join([*found, *self.strange]) or "none"


def options(keys: Iterable[str]) -> Options:
    """Return what several keys open; empty texts and release keys are no keys."""
    found: dict[str, Option] = {}
    strange = []
    for key in keys:
        option = decode(key)
        if option is not None:
            before = found.get(option.letter)
            found[option.letter] = Option(option.letter, option.count + (before.count if before else 0))
        elif key.strip() and not _RELEASE_KEY.match(key):
            strange.append(key.strip())
    return Options(dict(sorted(found.items())), tuple(sorted(set(strange))))


def installed(settings: Settings) -> Fact[Options]:
    """Return the options of a peer; not known where no export lists its keys, or the list is cut off."""
    keys = settings.values("option_key")
    sources = tuple(source for fact in keys.values() for source in fact.sources)
    if keys:
        return Fact() if settings.ends_in(keys) else Fact(options(fact.value or "" for fact in keys.values()), sources)
    empty = settings.value("option_list")
    return Fact(options(()), empty.sources) if empty.value == "" else Fact()


def compares_as(letter: str, of: Release | None) -> str:
    """Return how keys of a letter have to compare over peers of a release.

    Returns:
        `same`, `exempt`, `default` (on without a key), `unclear` (the sources do not say) or `strange` (a letter that
        is in no list); `default or same` where the release is not known and would tell.
    """
    row = _codes().get(letter)
    if row is None:
        return "strange"
    if row["compare"] != "default":
        return str(row["compare"])
    if of is None:
        return "default or same"
    return "default" if change("features-without-keys").holds(of) else "same"


def still_needed(letter: str, of: Release) -> bool:
    """Whether one source has a key do something in a release where another has the feature on without it."""
    still = bool(_codes().get(letter, {}).get("still", False))
    return still and change("features-without-keys").holds(of) and not change("type-is-a-setting").holds(of)


def is_smart_only(of: Release) -> bool:
    """Whether a release knows smart licensing only."""
    return change("smart-licensing-only").holds(of)


def smart(settings: Settings) -> Fact[bool]:
    """Return whether smart licensing is on, as far as an export shows it."""
    words = knowledge.load("options")["smart"]
    said = settings.value("smart_licensing")
    state = (said.value or "").strip().lower()
    return Fact(state not in words["off"], said.sources) if state and state not in words["open"] else Fact()


def type_by_key(found: Fact[Options], of: Release | None) -> Fact[str]:
    """Return the type an option key gives: `E` where the Traversal Server is opened, in releases where a key does that.

    That the key is absent says nothing here: from X12.5.4 the feature needs none.
    """
    if of is None or change("type-is-a-setting").holds(of) or found.value is None:
        return Fact()
    return Fact("E", found.sources) if knowledge.load("options")["type"]["letter"] in found.value.by_letter else Fact()
