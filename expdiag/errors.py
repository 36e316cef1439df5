"""The errors a user of the toolkit can meet: each says what was found, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

_FEW = 3


class ExpdiagError(Exception):
    """Base of every error this package raises on purpose."""


class NothingReadableError(ExpdiagError):
    """None of the given paths held a single thing a reader takes.

    Attributes:
        paths: what was looked at.
        seen: how many files were looked at; 0 for an empty folder.
        issues: what was wrong with each of them.
    """

    def __init__(self, paths: Iterable[str], seen: int, issues: tuple[Any, ...] = ()) -> None:
        self.paths = tuple(paths)
        self.seen = seen
        self.issues = issues
        found = f"{seen} file(s), none of them in a known format" if seen else "no files"
        if 0 < len(issues) <= _FEW:
            found = "; ".join(f"{issue.file}: {issue.text}" for issue in issues)
        super().__init__(
            f"nothing readable in {', '.join(self.paths)}: found {found}; expected diagnostic log archives, "
            "dumps or probe captures of an Expressway cluster"
        )


class CaseFileError(ExpdiagError):
    """`case.toml` cannot be used as it stands.

    Attributes:
        file: its name.
        problem: what is wrong, with the nearest known key where a key is unknown.
    """

    def __init__(self, file: str, problem: str) -> None:
        self.file = file
        self.problem = problem
        super().__init__(f"{file}: {problem}")


class UnknownNameError(ExpdiagError):
    """A rule, table or format was asked for that does not exist.

    Attributes:
        kind: what was asked for, such as "rule".
        name: the name that is not known.
        nearest: the most similar known name, or None.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.nearest = nearest(name, known)
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        super().__init__(f"unknown {kind} {name!r}{hint}")


class MissingLibraryError(ExpdiagError):
    """An optional library is needed for what was asked and is not installed."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None where none comes near."""
    matches = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1, cutoff=0.4)
    return matches[0] if matches else None
