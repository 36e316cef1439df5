"""Platforms: what a serial number or the size of a machine says, which are equivalent, which releases each runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from expdiag import knowledge
from expdiag.model.versions import Release, is_from, is_upto, release

# 8167684 kB    5.8 GB    6144    8,192 MB
_AMOUNT = re.compile(r"^\s*(?P<number>[0-9][0-9,]{0,14}(?:\.[0-9]{1,6})?)\s*(?P<unit>[KMGT]?)i?B?(?:ytes)?\s*$", re.I)
# 017DB2D0
_GENERATED = re.compile(r"[0-9A-F]{8}$", re.I)
_UNITS = {"K": 2.0**-20, "M": 2.0**-10, "G": 1.0, "T": 2.0**10}


class Equivalence(Enum):
    """How two platforms compare."""

    SAME = "equivalent"
    DIFFERENT = "not equivalent"
    UNCLEAR = "the sources disagree"


def from_serial(serial: str, hardware: str | None) -> str | None:
    """Return the appliance model of a serial number, None for a virtual machine.

    A virtual machine's serial is made from its MAC address and may begin like an appliance's by chance, so the
    hardware string decides first.
    """
    if hardware and is_virtual(hardware):
        return None
    found = unit(serial)
    return found.model if found else None


class Support(Enum):
    """Whether a unit runs a release."""

    YES = "it runs it"
    NO = "it does not run it"
    FOR_A_TIME = "it ran it for a time and a reason"
    UNSURE = "the sources do not say the same"


@dataclass(frozen=True, slots=True)
class Unit:
    """A kind of appliance: its name with the revision, its model, and the releases it runs.

    Attributes:
        first: the first release, None where there is no such limit.
        last: the last one, with all that follow it by a further number; None where there is no such limit.
        exceptions: releases of which something else holds, the first that fits counting.
    """

    name: str
    model: str
    first: Release | None
    last: Release | None
    cite: str
    exceptions: tuple[tuple[Support, Mapping[str, Any]], ...]

    def supports(self, of: Release) -> tuple[Support, str, str]:
        """Return whether it runs a release, why, and where that is said."""
        for support, row in self.exceptions:
            if is_from(of, row["from"]) and is_upto(of, row["upto"]):
                return support, row["why"], row["cite"]
        early = self.first is not None and not is_from(of, self.first.text)
        late = self.last is not None and not is_upto(of, self.last.text)
        return (Support.NO if early or late else Support.YES), self.range, self.cite

    @property
    def range(self) -> str:
        """The releases it runs, in words."""
        if self.first is not None:
            return f"{self.first} and later"
        return f"{self.last}.x and earlier" if self.last is not None else "all releases"


def unit(serial: str) -> Unit | None:
    """Return the kind of appliance a serial number belongs to, None for one that is no appliance's."""
    return next((made for prefix, made in _units() if serial.strip().upper().startswith(prefix)), None)


@cache
def _units() -> tuple[tuple[str, Unit], ...]:
    kinds = {"tolerated": Support.FOR_A_TIME, "unsure": Support.UNSURE}
    return tuple(
        (
            row["serial"],
            Unit(
                name=row["name"],
                model=row["model"],
                first=release(row["from"]) if "from" in row else None,
                last=release(row["upto"]) if "upto" in row else None,
                cite=row["cite"],
                exceptions=tuple((kind, entry) for key, kind in kinds.items() for entry in row.get(key, ())),
            ),
        )
        for row in knowledge.load("platforms")["unit"]
    )


def units_of(model: str) -> Iterator[Unit]:
    """Yield the revisions of a model."""
    return (made for _, made in _units() if made.model == model)


def size_by(measures: Mapping[str, str]) -> str | None:
    """Return the VM size that all measures fit, None where they fit none or several.

    Args:
        measures: by name, what a status says: `processors`, `memory`, `registrations`, `calls`, `relays`. Processors
            and memory together are needed where no limit is there, because neither tells by itself.
    """
    amounts = {name: found for name, text in measures.items() if (found := _measure(name, text)) is not None}
    if not amounts or amounts.keys() in ({"processors"}, {"memory"}):
        return None
    sizes = [row for row in knowledge.load("platforms")["size"] if all(_fits(row, *each) for each in amounts.items())]
    return str(sizes[0]["name"]) if len(sizes) == 1 else None


def _fits(size: Mapping[str, Any], name: str, amount: float) -> bool:
    known = size[name]
    return known[0] <= amount < known[1] if name == "memory" else amount in known


def _measure(name: str, text: str) -> float | None:
    """Return an amount, memory in GiB; a memory without a unit is taken for the unit that makes it plausible."""
    match = _AMOUNT.match(text)
    if not match:
        return None
    number = float(match["number"].replace(",", ""))
    if name != "memory":
        return number if not match["unit"] else None
    unit_ = match["unit"].upper()
    if unit_:
        return number * _UNITS[unit_]
    return next((n for n in (number, number / 2**10, number / 2**20, number / 2**30) if n < 512), None)


def from_hardware(hardware: str) -> str | None:
    """Return the appliance model a hardware string names, `CE1200`; None where it names none."""
    models = [str(made.model) for _, made in _units() if made.model in hardware.upper()]
    return models[0] if len(set(models)) == 1 else None


def is_generated(serial: str) -> bool:
    """Whether a serial number is made from a MAC address, as those of virtual machines are, and is no appliance's."""
    return _GENERATED.match(serial.strip()) is not None and unit(serial) is None


def is_virtual(hardware: str) -> bool:
    """Whether a hardware string means a virtual machine."""
    return any(word in hardware.lower() for word in knowledge.load("platforms")["virtual"]["words"])


def is_appliance(platform: str) -> bool:
    """Whether a platform is a physical appliance."""
    return bool(knowledge.load("platforms")["platform"][platform]["kind"] == "appliance")


def is_ambiguous(platform: str | None) -> bool:
    """Whether the sources put a model into more than one class."""
    return platform is not None and len(knowledge.load("platforms")["platform"][platform]["classes"]) > 1


def from_size(text: str) -> str | None:
    """Return the VM size a text such as `Medium deployment` names."""
    words = text.lower().replace("-", " ").split()
    found = {size for size in ("Small", "Medium", "Large") if size.lower() in words}
    return found.pop() if len(found) == 1 else None


def compare(one: str, other: str) -> Equivalence:
    """Return whether two platforms have equivalent capabilities, as far as the sources say."""
    if one == other:
        return Equivalence.SAME
    facts = knowledge.load("platforms")
    if any(set(mix["platforms"]) == {one, other} for mix in facts["documented_mix"]):
        return Equivalence.SAME
    mine, theirs = (set(facts["platform"][name]["classes"]) for name in (one, other))
    if not mine & theirs:
        return Equivalence.DIFFERENT
    two_models = is_appliance(one) and is_appliance(other)
    return Equivalence.SAME if len(mine | theirs) == 1 and not two_models else Equivalence.UNCLEAR


def is_false_alarm(of: Release, size: str | None) -> bool:
    """Whether the alarm on unsuitable hardware is known to be wrong on a machine."""
    known = knowledge.load("platforms")["false_alarm"]
    first = release(known["release"])
    return first is not None and of.numbers == first.numbers and size == known["size"]
