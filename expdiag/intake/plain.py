"""Takes the plain lines of a configuration many at a time, and hands out those that are not plain.

One pattern parts all lines of a text. What the reader of single lines makes of a path is asked once for all lines
that begin alike, with 0 for each digit; a line it would take otherwise than the pattern is not plain.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

from expdiag.evidence import FileSources
from expdiag.intake import trees
from expdiag.intake.reading import KEY_MARK
from expdiag.intake.secrets import masks, names_a_secret
from expdiag.tables import Block
from expdiag.tables.leaves import PATH, VALUE, numbers, shape

# The parts of a line: `*c xConfiguration H323 Mode: "`, `On`, `"`
_LINE = re.compile(r'([^:"\n]*+(?:: "?)?)([^"\n]*+)(.*+)\n')
_ZEROS = str.maketrans("123456789", "0" * 9)
_NEVER_PLAIN = (KEY_MARK, PATH, VALUE, " *c xConfiguration ")


@contextmanager
def without_collecting() -> Iterator[None]:
    """Keep the garbage collector from going through the tuples of a search time and again: none is in a cycle."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@dataclass(frozen=True, slots=True)
class Form:
    """How lines that begin alike are taken: the text before the path, the path, and the text between it and the value.

    Digits stand there as 0.
    """

    before: str
    path: str
    between: str

    @property
    def end(self) -> str:
        """What stands after the value."""
        return self.between[2:]

    @property
    def quote(self) -> str:
        """How such a line is quoted."""
        return f"{self.before}{PATH}{self.between}{VALUE}{self.end}"

    @property
    def masked_quote(self) -> str:
        """How it is quoted with a masked value; empty where the value could as well stand in the path."""
        return f"{self.before}{PATH}: {VALUE}" if self.end else ""


@dataclass(frozen=True, slots=True)
class _Run:
    """Lines that follow each other, part by part; `alike` holds their beginnings with zeros."""

    beginnings: Sequence[str]
    values: Sequence[str]
    ends: Sequence[str]
    alike: Sequence[str]

    def __getitem__(self, part: slice) -> _Run:
        return _Run(self.beginnings[part], self.values[part], self.ends[part], self.alike[part])

    def line(self, number: int) -> str:
        return self.beginnings[number] + self.values[number] + self.ends[number]


def split(
    text: str, first: int, tree: str, form_of: Callable[[str], Form | None], sources: FileSources
) -> Iterator[Block | tuple[int, str]]:
    """Yield the lines of a text: plain ones as blocks of settings, any other with its number.

    Args:
        text: whole lines, without the last line end.
        first: number of the first one.
        tree: tree of the settings.
        form_of: how lines with a beginning are taken, None where each of them has to be looked at.
        sources: where the blocks will be noted.
    """
    with without_collecting():
        beginnings, values, ends = zip(*_LINE.findall(text + "\n"), strict=True)
    whole = _Run(beginnings, values, ends, "\n".join(beginnings).translate(_ZEROS).split("\n"))
    forms = {alike: form_of(alike) for alike in set(whole.alike)}
    odd = _odd(whole, forms, [sign for sign in _NEVER_PLAIN if sign in text])
    for before, number in pairwise((-1, *odd, len(values))):
        if number - before > 1:
            yield _block(whole[before + 1 : number], first + before + 1, tree, forms, sources.next)
        if number < len(values):
            yield first + number, whole.line(number)


def _odd(run: _Run, forms: dict[str, Form | None], signs: list[str]) -> list[int]:
    """Return which lines are not plain."""
    if not signs and all(form and form.end for form in forms.values()) and set(run.ends) == {'"'}:
        return []
    ends = {alike: form.end if form else None for alike, form in forms.items()}
    odd = [
        number
        for number, (alike, value, end) in enumerate(zip(run.alike, run.values, run.ends, strict=True))
        if end != ends[alike] or (not end and value != value.strip())
    ]
    if signs:
        marked = {number for number, value in enumerate(run.values) if any(sign in value for sign in signs)}
        return sorted(marked.union(odd))
    return odd


def _block(run: _Run, first_line: int, tree: str, forms: dict[str, Form | None], source: int) -> Block:
    known = {alike: form for alike in set(run.alike) if (form := forms[alike])}
    cuts = {alike: (len(form.before), -len(form.between)) for alike, form in known.items()}
    quotes: dict[str, int] = {}
    usual = {alike: quotes.setdefault(form.quote, len(quotes)) for alike, form in known.items()}
    if len(set(cuts.values())) == 1:
        start, stop = next(iter(cuts.values()))
        paths = [beginning[start:stop] for beginning in run.beginnings]
    else:
        paths = [beginning[slice(*cuts[alike])] for beginning, alike in zip(run.beginnings, run.alike, strict=True)]
    values = list(run.values)
    quoted = [usual[alike] for alike in run.alike]

    names_secret = {alike for alike, form in known.items() if names_a_secret(form.path)}
    secret = [number for number, alike in enumerate(run.alike) if alike in names_secret] if names_secret else ()
    for number, masked in masks(paths, values, secret).items():
        quote = known[run.alike[number]].masked_quote
        quote = quote or trees.shown(run.line(number), paths[number], values[number])
        values[number], quoted[number] = masked, quotes.setdefault(quote, len(quotes))
    return Block(
        tree=tree,
        first=source,
        paths="\n".join(paths),
        values="\n".join(values),
        lines=range(first_line, first_line + len(values)),
        quotes=tuple(quotes),
        quoted=numbers(quoted),
        shapes=frozenset(shape(form.path) for form in known.values()),
    )
