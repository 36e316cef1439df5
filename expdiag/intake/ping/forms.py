"""A line of a Unix-like ping as data: what it means, and the pattern that tells it."""

from __future__ import annotations

import re
from typing import NamedTuple


class Form(NamedTuple):
    """One shape of line.

    Attributes:
        means: name of the step in `unix.Unix` that takes it.
        pattern: what is matched against the line without blanks around it.
        own: nothing but a ping prints such a line.
        first: in a head, the number this program gives to its first probe.
    """

    means: str
    pattern: re.Pattern[str]
    own: bool = False
    first: int = 0
