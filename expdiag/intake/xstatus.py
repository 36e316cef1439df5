"""xStatus text: blocks from `*s Element: /` to `*s/end`, nested by indentation of any width.

A capture of a session may hold both dumps; the lines of a configuration in between go where they belong.
"""

from __future__ import annotations

import re

from expdiag.intake import trees, xconfiguration
from expdiag.intake.member import Member
from expdiag.intake.reading import Harvest, Reader, TooMuchError, lines
from expdiag.intake.xconfiguration import unquoted

_ATTRIBUTES = r"(?: \((?P<attributes>[^)]*)\))?"
# *s Ethernet 1: /
_HEAD = re.compile(rf"^\*s (?P<name>[A-Za-z][\w-]*(?: \d+)?){_ATTRIBUTES}:\s*/?$")
#        Address: "10.0.1.11"
_NODE = re.compile(rf"^(?P<indent>\s+)(?P<name>[A-Za-z_][\w-]*(?: \d+)?){_ATTRIBUTES}:(?:\s+(?P<value>\S.*))?$")
_END = re.compile(r"^\*s/end\s*$")
_STRUCTURE = re.compile(r"^\s*(?:OK|xStatus\b.*|- Status -)\s*$", re.I)


def _claims(first: list[str]) -> int:
    heads = sum(1 for line in first if _HEAD.match(line.rstrip()) or _END.match(line))
    if not heads:
        return 0
    nodes = sum(1 for line in first if _NODE.match(line.rstrip()))
    return heads + nodes + xconfiguration.READER.claims(first)


class _Blocks:
    """Follows the blocks; `_open` holds the nodes above the current line with their indentation.

    A node without a value is a leaf only if no child follows, so the last one is kept until the next line tells.
    """

    def __init__(self, harvest: Harvest) -> None:
        self._harvest = harvest
        self._tree = trees.Grower("status", harvest)
        self._open: list[tuple[int, str]] = []
        self._undecided: tuple[str, int] | None = None

    @property
    def inside(self) -> bool:
        """Whether a block is open."""
        return bool(self._open)

    def head(self, head: re.Match[str], source: int) -> None:
        self._settle()
        self._open = []
        self._enter(-1, head["name"], head["attributes"], source)

    def node(self, node: re.Match[str], number: int, line: str) -> None:
        indent = len(node["indent"].expandtabs())
        while len(self._open) > 1 and self._open[-1][0] >= indent:
            self._open.pop()
        parent = self._open[-1][1]
        if self._undecided and self._undecided[0] == parent:
            self._undecided = None
        self._settle()
        path, value = f"{parent} {node['name']}", node["value"]
        source = self._harvest.note(number, trees.shown(line, path, value), path)
        if value in (None, "", "/"):
            self._enter(indent, path, node["attributes"], source)
            return
        self._tree.leaf(path, unquoted(value), source)
        if node["attributes"]:
            self._enter(indent, path, node["attributes"], source)

    def end(self) -> None:
        self._settle()
        self._open = []

    def finish(self) -> None:
        self._settle()
        self._tree.finish()

    def _enter(self, indent: int, path: str, attributes: str | None, source: int) -> None:
        """Open a node; old releases print attributes in parentheses, children by another name."""
        if len(self._open) >= trees.MAX_DEPTH:
            raise TooMuchError(f"a status nested more than {trees.MAX_DEPTH} levels deep; the rest was not read")
        self._open.append((indent, path))
        if not attributes:
            self._undecided = (path, source)
            return
        for pair in attributes.split(","):
            name, _, value = pair.strip().partition("=")
            self._tree.leaf(f"{path} {name}", value, source)

    def _settle(self) -> None:
        if self._undecided:
            self._tree.leaf(self._undecided[0], "", self._undecided[1])
            self._undecided = None


def _read(member: Member, harvest: Harvest) -> None:
    blocks = _Blocks(harvest)
    for number, raw in lines(member, harvest):
        line = raw.rstrip()
        if head := _HEAD.match(line):
            blocks.head(head, harvest.note(number, line))
        elif _END.match(line):
            blocks.end()
        elif blocks.inside and (node := _NODE.match(line)):
            blocks.node(node, number, line)
        elif line.strip() and not _STRUCTURE.match(line) and not xconfiguration.take(line, number, harvest):
            harvest.issue("unrecognised", line, number)
    if blocks.inside:
        harvest.issue("truncated", "the status ends without *s/end")
    blocks.finish()


READER = Reader("xStatus text", _claims, _read)
