"""Platforms: what an appliance's serial number says, and which platforms are of equivalent capability."""

from __future__ import annotations

from enum import Enum

from expdiag import knowledge


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
    for name, platform in knowledge.load("platforms")["platform"].items():
        prefixes = platform.get("serial", ())
        prefixes = (prefixes,) if isinstance(prefixes, str) else tuple(prefixes)
        if prefixes and serial.upper().startswith(prefixes):
            return str(name)
    return None


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
