"""JSON with the line of every value, and with what stands before the place where a document breaks off.

The parser of the standard library tells neither, and evidence needs both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

MAX_DEPTH = 64
_TOKEN = re.compile(
    r'[ \t\r\n]*(?P<token>[{}\[\],:]|"(?:[^"\\\x00-\x1f]|\\.)*"|true|false|null'
    r"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
)
_PART_OF_NUMBER = re.compile(r"-|\.|[eE][+-]?")
_BLANK = re.compile(r"[ \t\r\n]*")


@dataclass(slots=True)
class Scalar:
    """A text, number, true, false or null as text; null is empty. `shown` is what stands in the file, key and value."""

    line: int
    value: str
    shown: str


@dataclass(slots=True)
class Object:
    """Members in order; a repeated name is there as often as it was written."""

    line: int
    members: list[tuple[str, Node]] = field(default_factory=list)

    def scalar(self, *names: str) -> Scalar | None:
        """Return the first scalar member of one of some names, compared in lower case."""
        for name, node in self.members:
            if name.lower() in names and isinstance(node, Scalar):
                return node
        return None


@dataclass(slots=True)
class Array:
    """Items in order."""

    line: int
    items: list[Node] = field(default_factory=list)


Node: TypeAlias = Scalar | Object | Array


class BrokenError(Exception):
    """The document is no JSON from a place on.

    Attributes:
        line: line of that place.
        at_end: whether that is its end, so that the rest is missing.
    """

    def __init__(self, line: int, text: str, *, at_end: bool = False) -> None:
        self.line = line
        self.at_end = at_end
        super().__init__(text)


class _Token(NamedTuple):
    text: str
    start: int
    end: int
    line: int


class Document:
    """A JSON text; `root` holds what was understood, also where it breaks off."""

    def __init__(self, text: str) -> None:
        self.root: Node | None = None
        self.broken: BrokenError | None = None
        self._text = text
        self._tokens = self._tokenise()
        try:
            self._root()
        except BrokenError as error:
            self.broken = error

    def _tokenise(self) -> Iterator[_Token]:
        text, at, line = self._text, 0, 1
        while found := _TOKEN.match(text, at):
            start = found.start("token")
            line += text.count("\n", at, start)
            yield _Token(found["token"], start, found.end(), line)
            at = found.end()
        blank = _BLANK.match(text, at)
        end = blank.end() if blank else at
        line += text.count("\n", at, end)
        if end < len(text):
            rest = text[end : end + 20].partition("\n")[0]
            raise BrokenError(line, f"no JSON from here on: {rest!r}", at_end=_may_be_cut(text, end))
        raise BrokenError(line, "the document ends before it is complete", at_end=True)

    def _root(self) -> None:
        first = next(self._tokens)
        self.root = self._open(first, first.start)
        self._fill(self.root)
        try:
            more = next(self._tokens)
        except BrokenError as end:
            if end.at_end and str(end).startswith("the document ends"):
                return
            raise
        raise BrokenError(more.line, f"more after the end of the document: {more.text[:20]!r}")

    def _open(self, token: _Token, shown_from: int) -> Node:
        if token.text == "{":
            return Object(token.line)
        if token.text == "[":
            return Array(token.line)
        if token.text in ("}", "]", ",", ":"):
            raise BrokenError(token.line, f"{token.text!r} where a value is expected")
        if token.end == len(self._text) and shown_from and token.text[-1:].isdigit():
            raise BrokenError(token.line, "the document ends in a number, which may go on", at_end=True)
        return Scalar(token.line, _plain(token), self._text[shown_from : token.end])

    def _fill(self, root: Node) -> None:
        """Fill the root and everything in it; nodes hang in the tree before they are filled, so nothing is lost."""
        stack = [root]
        while stack:
            if len(stack) > MAX_DEPTH:
                raise BrokenError(stack[-1].line, f"nested more than {MAX_DEPTH} levels deep")
            node = stack[-1]
            child = self._next_child(node)
            if child is None:
                stack.pop()
            elif not isinstance(child, Scalar):
                stack.append(child)

    def _next_child(self, node: Node) -> Node | None:
        """Hang the next child into an object or array and return it, None at its end."""
        if isinstance(node, Scalar):
            return None
        closing = "}" if isinstance(node, Object) else "]"
        is_first = not (node.members if isinstance(node, Object) else node.items)
        token = next(self._tokens)
        if token.text == closing:
            return None
        if not is_first:
            if token.text != ",":
                raise BrokenError(token.line, f"{token.text[:20]!r} where a comma or the end is expected")
            token = next(self._tokens)
        if isinstance(node, Array):
            child = self._open(token, token.start)
            node.items.append(child)
            return child
        colon = next(self._tokens)
        if not token.text.startswith('"') or colon.text != ":":
            raise BrokenError(token.line, f"{token.text[:20]!r} where a name is expected")
        child = self._open(next(self._tokens), token.start)
        node.members.append((_plain(token), child))
        return child


def _plain(token: _Token) -> str:
    if token.text.startswith('"'):
        try:
            return str(json.loads(token.text)).encode("utf-8", errors="replace").decode()
        except ValueError as error:
            raise BrokenError(token.line, f"a text that cannot be decoded: {error}") from error
    return "" if token.text == "null" else token.text


def _may_be_cut(text: str, at: int) -> bool:
    """Whether what cannot be read is the beginning of a text, number or word that the end of the file cut off."""
    rest = text[at:]
    if rest.startswith('"'):
        return "\n" not in rest
    return bool(_PART_OF_NUMBER.fullmatch(rest)) or any(word.startswith(rest) for word in ("true", "false", "null"))
