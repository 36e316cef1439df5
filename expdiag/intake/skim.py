"""Takes the leaves of plain, well-formed XML many at a time.

Between the values of two leaves stands markup that recurs over and over, such as
`</Mode></H323><SIP item="1"><Port item="1">`. Where it leads from an element, and whether it may stand there, is worked
out once, and so is what many such steps in a row come to, as in one zone after another.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, compress, count, pairwise
from operator import attrgetter
from typing import NamedTuple

from expdiag.intake import trees
from expdiag.intake.secrets import masks, names_a_secret
from expdiag.tables import Block
from expdiag.tables.leaves import VALUE, numbers, shape

# `</Mode></H323><SIP item="1"><Port item="1">`
_STEP = re.compile(r"(</[^>]*+>(?:\s*+</[^>]*+>)*+(?:\s*+<[^/][^>]*+>)*+)")
# `/`, `SIP`, ` item="1"` and `/` of an element without content; narrower than what XML allows
_TAG = re.compile(
    r'[ \t\r\n]*<(/?)([A-Za-z_][\w.-]*)((?: (?:item="(?:[0-9]{1,9}|\x00)"|valueSpaceRef="[\w/.:#-]*"))*( ?/)?)>', re.A
)
_ITEM = re.compile(r' item="([^"]*)"')
_INDEX = re.compile('="([0-9]{2,9})"')  # always part of the path; those of one digit are few
_ANY_INDEX = '="\x00"'
_EMPTY = re.compile(r"<([^\s<>/!?]+)[^<>]*+(?<=/)>")
_ENTITY = re.compile("&(lt|gt|amp|quot|apos);")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what no XML may hold
_RESUME = "</>"  # in place of the closing tag that the piece before ended with
_LONGEST_RUN = 64
_MOST_RUNS = 1 << 10
_MOST_MOVES = 1 << 12


class Node(NamedTuple):
    """An element: its path, and the same with `*` for indexes."""

    path: str
    skeleton: str

    @property
    def name(self) -> str:
        """Its own name."""
        return self.skeleton.removesuffix(" *").rpartition(" ")[2]

    def child(self, name: str, item: str | None, indexed: frozenset[str]) -> Node:
        """Return an element in this one; an `item` is part of the path unless it is a 1 that tells nothing."""
        path = f"{self.path} {name}" if self.path else name
        skeleton = f"{self.skeleton} {name}" if self.skeleton else name
        if item is not None and (item != "1" or f"{skeleton} *".lower() in indexed):
            return Node(f"{path} {item}", f"{skeleton} *")
        return Node(path, skeleton)

    def lineage(self) -> list[Node]:
        """Return the elements around this one, the root first, and itself."""
        nodes = [Node("", "")]
        for word, plain in zip(self.path.split(" "), self.skeleton.split(" "), strict=True):
            path, skeleton = nodes.pop() if plain == "*" else nodes[-1]
            nodes.append(Node(f"{path} {word}" if path else word, f"{skeleton} {plain}" if skeleton else plain))
        return nodes if self.path else nodes[:1]


@dataclass(frozen=True, slots=True, eq=False)
class _Leaf:
    """What the leaves of one kind have in common."""

    name: str
    quote: str
    shape: str
    secret: bool


class _Move(NamedTuple):
    """Where markup leads: how many words of the path it drops, which it adds, the element, and the lines it ends."""

    dropped: int
    added: Sequence[str]
    skeleton: str
    leaf: _Leaf | None
    line_ends: int


class _Run(NamedTuple):
    """Where several markups in a row lead, of which only the first one has indexes.

    Attributes:
        indexes: how many indexes it has.
        dropped: numbers of words that are dropped of the path before it, each giving one beginning of a path.
        paths: the paths it leads to, one a line, with `{}` for indexes, then for beginnings.
        skeleton: of the element it ends in.
        leaves: the leaves they lead to; the end of a piece leads to none.
        line_ends: how many lines each markup ends.
    """

    indexes: int
    dropped: Sequence[int]
    paths: str
    skeleton: str
    leaves: Sequence[_Leaf]
    line_ends: Sequence[int]


@dataclass(slots=True)
class Skimmed:
    """What a piece holds.

    Attributes:
        inside: the innermost element open at its end.
        line_ends: how many lines end in it.
        block: its leaves, None where it has none.
    """

    inside: Node
    line_ends: int
    block: Block | None


class _NotPlainError(Exception):
    """The piece holds something that has to be looked at closely."""


class Skimmer:
    """Takes pieces of a tree that begin and end between tags."""

    def __init__(self, tree: str, indexed: frozenset[str]) -> None:
        self._tree = tree
        self._indexed = indexed
        self._moves: dict[tuple[str, str], _Move] = {}
        self._runs: dict[tuple[str, tuple[str, ...]], _Run] = {}

    def skim(self, piece: bytes, inside: Node, line: int, source: int) -> Skimmed | None:
        """Return what a piece holds, None where it is not plain or not well-formed.

        Args:
            piece: bytes of whole tags.
            inside: the innermost element open where it begins.
            line: number of the line it begins on.
            source: source id of its first leaf.
        """
        try:
            return self._skim(_text(piece), inside, line, source)
        except _NotPlainError:
            return None

    def _skim(self, text: str, inside: Node, line: int, source: int) -> Skimmed:
        between = _INDEX.split(_RESUME + text)
        indexes = iter(between[1::2])
        parts = _STEP.split(_ANY_INDEX.join(between[::2]))
        values, markups, rest = parts[2:-1:2], parts[1::2], parts[0] or parts[-1]
        if rest:
            raise _NotPlainError
        path, skeleton = f" {inside.path}" if inside.path else "", inside.skeleton
        if len(path.split()) != len(skeleton.split()) or " ".join(path.split()) != inside.path:
            raise _NotPlainError  # an index of several words, or of none
        paths: list[str] = []
        leaves: list[_Leaf] = []
        line_ends: list[int] = []
        for markups_of_run in _runs(markups):
            key = skeleton, markups_of_run
            run = self._runs.get(key) or self._learn(key)
            own = [next(indexes) for _ in range(run.indexes)]
            paths.append(run.paths.format(*own, *(path.rsplit(" ", words)[0] for words in run.dropped)))
            path, skeleton = paths[-1].rpartition("\n")[2], run.skeleton
            leaves += run.leaves
            line_ends += run.line_ends
            if own and run.leaves and "\0" in run.leaves[0].quote:
                leaves[-len(run.leaves)] = _numbered(run.leaves[0], own[-1])
        if len(run.leaves) == len(run.line_ends) or len(leaves) < len(markups) - 1:
            raise _NotPlainError  # an element without its end, or text that is in no leaf
        here, line_ended = Node(path[1:], skeleton), sum(line_ends)
        if not leaves:
            return Skimmed(here, line_ended, None)
        lines = array("I", accumulate([line, *line_ends[:-1]]))[1:]
        column = "\n".join(paths)
        column = column[1 : column.rindex("\n")].replace("\n ", "\n")
        return Skimmed(here, line_ended, self._block(column, values, lines, leaves, source))

    def _learn(self, key: tuple[str, tuple[str, ...]]) -> _Run:
        """Return where markups lead that were not yet met in a row."""
        skeleton, markups = key
        indexes = markups[0].count("\0")
        own = iter(range(indexes))
        dropped: list[int] = []
        all_dropped = 0
        words: list[str] = []  # behind what is left of the path before
        paths: list[str] = []
        leaves: list[_Leaf] = []
        line_ends: list[int] = []
        for markup in markups:
            move = self._moves.get((skeleton, markup)) or self._work_out(skeleton, markup)
            all_dropped += max(move.dropped - len(words), 0)
            if all_dropped not in dropped:
                dropped.append(all_dropped)
            added = (f"{{{next(own)}}}" if word == "\0" else word for word in move.added)
            words = [*words[: max(len(words) - move.dropped, 0)], *added]
            paths.append(" ".join((f"{{{indexes + len(dropped) - 1}}}", *words)))
            skeleton = move.skeleton
            leaves += [move.leaf] if move.leaf else []
            line_ends.append(move.line_ends)
        if len(self._runs) >= _MOST_RUNS:
            self._runs.clear()
        run = _Run(indexes, dropped, "\n".join(paths), skeleton, leaves, line_ends)
        self._runs[key] = run
        return run

    def _work_out(self, skeleton: str, markup: str) -> _Move:
        nodes = Node(skeleton, skeleton).lineage()
        kept = nodes[-1]
        leaf: _Leaf | None = None
        at = len(_RESUME) if markup.startswith(_RESUME) else 0
        while at < len(markup):
            tag = _TAG.match(markup, at)
            if not tag or len(nodes) > trees.MAX_DEPTH:
                raise _NotPlainError
            at = tag.end()
            closing, name, attributes, empty = tag.groups()
            if closing:
                if attributes or nodes.pop().name != name or not nodes:
                    raise _NotPlainError
                kept = nodes[-1]
                continue
            if attributes.count(" item=") > 1 or attributes.count(" valueSpaceRef=") > 1:
                raise _NotPlainError
            item = _ITEM.search(attributes)
            nodes.append(nodes[-1].child(name, item and item[1], self._indexed))
            quote = f"<{name}{attributes}>" + ("" if empty else f"{VALUE}</{name}>")
            leaf = self._leaf(name, quote, nodes[-1].skeleton.replace("*", "0"))
        move = _Move(
            dropped=len(skeleton.split()) - len(kept.skeleton.split()),
            added=nodes[-1].path[len(kept.path) :].split(),
            skeleton=nodes[-1].skeleton,
            leaf=leaf,
            line_ends=markup.count("\n"),
        )
        if len(self._moves) >= _MOST_MOVES:
            self._moves.clear()
        self._moves[skeleton, markup] = move
        return move

    def _leaf(self, name: str, quote: str, path: str) -> _Leaf:
        if trees.tells_more(self._tree, path):
            raise _NotPlainError
        return _Leaf(name, quote, shape(path), names_a_secret(path))

    def _block(self, paths: str, values: list[str], lines: array[int], leaves: list[_Leaf], source: int) -> Block:
        column = "\n".join(values)
        if column.count("\n") >= len(values) or not _is_plain(column, values):
            raise _NotPlainError
        kinds = dict.fromkeys(leaves)
        quotes: dict[str, int] = {}
        usual = {leaf: quotes.setdefault(leaf.quote, len(quotes)) for leaf in kinds}
        quoted = [usual[leaf] for leaf in leaves]
        if "&" in column:
            for number, value in enumerate(values):
                if "&" in value:
                    quote = leaves[number].quote.replace(VALUE, value)
                    quoted[number] = quotes.setdefault(quote, len(quotes))
                    values[number], entities = _ENTITY.subn(lambda entity: _CHARACTERS[entity[1]], value)
                    if entities < value.count("&"):
                        raise _NotPlainError
        secret = compress(count(), map(attrgetter("secret"), leaves))
        for number, masked in masks(paths.split("\n"), values, secret).items():
            name = leaves[number].name
            values[number], quoted[number] = masked, quotes.setdefault(f"<{name}>{VALUE}</{name}>", len(quotes))
        return Block(
            tree=self._tree,
            first=source,
            paths=paths,
            values="\n".join(values),
            lines=lines,
            quotes=tuple(quotes),
            quoted=numbers(quoted),
            shapes=frozenset(leaf.shape for leaf in kinds),
            in_context=True,
        )


def _text(piece: bytes) -> str:
    """Return a piece as text in which empty elements are closed like others."""
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        raise _NotPlainError from None
    if "\0" in text or ("\r" in text and text.count("\r") != text.count("\r\n")):
        raise _NotPlainError
    if "/>" not in text:
        return text
    if _RESUME in text:
        raise _NotPlainError
    return _EMPTY.sub(r"\g<0></\1>", text)


def _runs(markups: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the markups cut where one has indexes, so that those of elements that are built alike are equal."""
    cuts = [number for number, markup in enumerate(markups) if "\0" in markup]
    for begin, end in pairwise(sorted({0, *range(0, len(markups), _LONGEST_RUN), *cuts, len(markups)})):
        yield tuple(markups[begin:end])


@lru_cache(maxsize=1 << 10)
def _numbered(leaf: _Leaf, index: str) -> _Leaf:
    return replace(leaf, quote=leaf.quote.replace("\0", index))


def _is_plain(column: str, values: Sequence[str]) -> bool:
    """Whether values may stand in XML as they are, entities apart, and have no blanks around them."""
    if "<" in column or "]]>" in column or _NO_CHARACTER.search(column):
        return False
    return [*map(str.strip, values)] == values
