"""A value with the evidence for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """One thing known of a peer, or that it is not known.

    Attributes:
        value: the value; None where nothing in the evidence tells.
        sources: source ids of the rows that tell it.
    """

    value: T | None = None
    sources: tuple[int, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the evidence tells it."""
        return self.value is not None

    def or_else(self, other: Fact[T]) -> Fact[T]:
        """Return this fact, or the other where this one is not known."""
        return self if self.known else other

    def map(self, convert: Callable[[T], U | None]) -> Fact[U]:
        """Return the fact with its value converted; the evidence stays."""
        return Fact(convert(self.value), self.sources) if self.value is not None else Fact()
