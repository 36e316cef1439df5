"""Takes the leaves of plain XML many at a time; whether it is well-formed is for the parser to say.

Between the values of two leaves stands markup that recurs over and over, such as
`</Mode></H323><SIP item="1"><Port item="1">`. Where it leads from an element is worked out once.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

from expdiag.intake import trees
from expdiag.intake.plain import without_collecting
from expdiag.intake.secrets import masks, names_a_secret
from expdiag.tables import Block
from expdiag.tables.leaves import VALUE, numbers, shape

# `On` and `</Mode></H323><SIP item="1"><Port item="1">`
_STEP = re.compile(r"([^<]*+)(</[^>]*+>(?:\s*+</[^>]*+>)*+(?:\s*<[^/>][^>]*+>)*+)")
# `/`, `SIP`, ` item="1"` and `/` of an element without content
_TAG = re.compile(r'\s*<(/?)([\w.-]*)((?: (?:item="(?:[0-9]{1,9}|\x00)"|valueSpaceRef="[^"<>&\s]*"))*( ?/)?)>')
_ITEM = re.compile(r' item="([^"]*)"')
_INDEX = re.compile(r' item="(?!1")([0-9]{1,9})"')  # always part of the path, unlike a 1
_ANY_INDEX = ' item="\x00"'
_EMPTY = re.compile(r"<([^\s<>/!?]+)[^<>]*+(?<=/)>")
_ENTITY = re.compile("&(lt|gt|amp|quot|apos);")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_RESUME = "</>"  # in place of the closing tag that the piece before ended with
_MOST_MOVES = 1 << 12


class Node(NamedTuple):
    """An element: its path, and the same in lower case with `*` for indexes."""

    path: str
    skeleton: str

    def child(self, name: str, item: str | None, indexed: frozenset[str]) -> Node:
        """Return an element in this one; an `item` is part of the path unless it is a 1 that tells nothing."""
        path = f"{self.path} {name}" if self.path else name
        skeleton = f"{self.skeleton} {name.lower()}" if self.skeleton else name.lower()
        if item is not None and (item != "1" or f"{skeleton} *" in indexed):
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
    added: str
    skeleton: str
    leaf: _Leaf | None
    line_ends: int


@dataclass(slots=True)
class Skimmed:
    """What a piece holds.

    Attributes:
        inside: the innermost element open at its end.
        block: its leaves, None where it has none.
    """

    inside: Node
    block: Block | None


class _NotPlainError(Exception):
    """The piece holds something that has to be looked at closely."""


class Skimmer:
    """Takes pieces of a tree that begin and end between tags."""

    def __init__(self, tree: str, indexed: frozenset[str]) -> None:
        self._tree = tree
        self._indexed = indexed
        self._moves: dict[tuple[str, str], _Move] = {}

    def skim(self, piece: bytes, inside: Node, line: int, source: int) -> Skimmed | None:
        """Return what a piece holds, None where it is not plain.

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
        with without_collecting():
            values, markups = zip(*_STEP.findall(_RESUME + text), strict=True)
        if sum(map(len, values)) + sum(map(len, markups)) != len(_RESUME) + len(text):
            raise _NotPlainError
        known, learn = self._moves.get, self._learn
        path, skeleton = f" {inside.path}" if inside.path else "", inside.skeleton
        if path.count(" ") != f" {skeleton}".count(" ") * bool(skeleton):
            raise _NotPlainError  # an index of several words
        moves: list[_Move] = []
        paths: list[str] = []
        for markup in markups:
            move = known((skeleton, markup)) or learn(skeleton, markup)
            dropped, added, skeleton, _, _ = move
            path = path.rsplit(" ", dropped)[0] + added
            moves.append(move)
            paths.append(path)
        here = Node(paths.pop()[1:], moves.pop().skeleton)
        leaves = [move.leaf for move in moves if move.leaf]
        if len(leaves) < len(moves) or values[0]:
            raise _NotPlainError  # text that is in no leaf
        if not leaves:
            return Skimmed(here, None)
        lines = array("I", accumulate([line, *(move.line_ends for move in moves)]))[1:]
        column = "\n".join(paths)[1:].replace("\n ", "\n")
        return Skimmed(here, self._block(column, [*values[1:]], lines, leaves, source))

    def _learn(self, skeleton: str, markup: str) -> _Move:
        """Return where markup leads that was not yet met, at least not with these indexes."""
        between = _INDEX.split(markup)
        generic = _ANY_INDEX.join(between[::2])
        move = self._moves.get((skeleton, generic)) or self._work_out(skeleton, generic)
        if indexes := between[1::2]:
            leaf = move.leaf
            if leaf and "\0" in leaf.quote:
                leaf = replace(leaf, quote=leaf.quote.replace("\0", indexes[-1]))
            move = _Move(move.dropped, move.added % tuple(indexes), move.skeleton, leaf, move.line_ends)
        if len(self._moves) >= _MOST_MOVES:
            self._moves.clear()
        self._moves[skeleton, markup] = move
        return move

    def _work_out(self, skeleton: str, markup: str) -> _Move:
        nodes = Node(skeleton, skeleton).lineage()
        kept = nodes[-1]
        leaf: _Leaf | None = None
        at = 0
        while at < len(markup):
            tag = _TAG.match(markup, at)
            if not tag or len(nodes) > trees.MAX_DEPTH:
                raise _NotPlainError
            at = tag.end()
            closing, name, attributes, empty = tag.groups()
            if closing:
                if name:
                    nodes.pop()
                if not nodes:
                    raise _NotPlainError
                kept = nodes[-1]
                continue
            item = _ITEM.search(attributes)
            nodes.append(nodes[-1].child(name, item and item[1], self._indexed))
            quote = f"<{name}{attributes}>" + ("" if empty else f"{VALUE}</{name}>")
            leaf = self._leaf(name, quote, nodes[-1].skeleton.replace("*", "0"))
        added = nodes[-1].path[len(kept.path) :].replace("\0", "%s")
        move = _Move(
            dropped=skeleton.count(" ") - kept.skeleton.count(" ") + (bool(skeleton) - bool(kept.skeleton)),
            added=f" {added}" if added and not kept.path else added,
            skeleton=nodes[-1].skeleton,
            leaf=leaf,
            line_ends=markup.count("\n"),
        )
        self._moves[skeleton, markup] = move
        return move

    def _leaf(self, name: str, quote: str, path: str) -> _Leaf:
        if trees.tells_more(self._tree, path):
            raise _NotPlainError
        return _Leaf(name, quote, shape(path), names_a_secret(path))

    def _block(self, paths: str, values: list[str], lines: array[int], leaves: list[_Leaf], source: int) -> Block:
        if [*map(str.strip, values)] != values or "\n" in (column := "".join(values)) or "&#" in column:
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
                    values[number] = _ENTITY.sub(lambda entity: _CHARACTERS[entity[1]], value)
        secret = [number for number, leaf in enumerate(leaves) if leaf.secret]
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
    if "\0" in text or text.count("\r") != text.count("\r\n"):
        raise _NotPlainError
    return _EMPTY.sub(r"\g<0></\1>", text) if "/>" in text else text
