"""xStatus text: blocks from `*s Element: /` to `*s/end`, nested by indentation of any width."""

from __future__ import annotations

import re

from expdiag.intake import trees
from expdiag.intake.archive import Member
from expdiag.intake.reading import Harvest, Reader, lines
from expdiag.intake.xconfiguration import unquoted

_ATTRIBUTES = r"(?: \((?P<attributes>[^)]*)\))?"
# *s Ethernet 1: /
_HEAD = re.compile(rf"^\*s (?P<name>[A-Za-z][\w-]*(?: \d+)?){_ATTRIBUTES}:\s*/?\s*$")
#        Address: "10.0.1.11"
_NODE = re.compile(rf"^(?P<indent>\s+)(?P<name>[A-Za-z_][\w-]*(?: \d+)?){_ATTRIBUTES}:(?:\s+(?P<value>.*?))?\s*$")
_END = re.compile(r"^\*s/end\s*$")
_STRUCTURE = re.compile(r"^\s*(?:OK|xStatus\b.*|- Status -)\s*$", re.I)


def _claims(first: list[str]) -> int:
    heads = sum(1 for line in first if _HEAD.match(line) or _END.match(line))
    return heads + sum(1 for line in first if _NODE.match(line)) if heads else 0


def _read(member: Member, harvest: Harvest) -> None:
    stack: list[tuple[int, str]] = []
    pending: tuple[str, int] | None = None  # a node that is a leaf if no child follows
    tree = trees.Grower("status", harvest)

    def settle() -> None:
        nonlocal pending
        if pending:
            tree.leaf(pending[0], "", pending[1])
            pending = None

    for number, line in lines(member, harvest):
        if head := _HEAD.match(line):
            settle()
            stack = [(-1, head["name"])]
            pending = (head["name"], harvest.note(number, line))
            if _attributes(tree, head, head["name"], pending[1]):
                pending = None
        elif _END.match(line):
            settle()
            stack = []
        elif stack and (node := _NODE.match(line)):
            indent = len(node["indent"].expandtabs())
            while len(stack) > 1 and stack[-1][0] >= indent:
                stack.pop()
            if pending and pending[0] == stack[-1][1]:
                pending = None
            settle()
            path = f"{stack[-1][1]} {node['name']}"
            value = node["value"]
            source = harvest.note(number, line)
            if value is None or value == "/":
                pending = (path, source)
                stack.append((indent, path))
                if _attributes(tree, node, path, source):
                    pending = None
            else:
                tree.leaf(path, unquoted(value), source)
                if _attributes(tree, node, path, source):
                    stack.append((indent, path))
        elif line.strip() and not _STRUCTURE.match(line):
            harvest.issue("unrecognised", line, number)
    settle()
    tree.finish()


def _attributes(tree: trees.Grower, node: re.Match[str], path: str, source: int) -> bool:
    """Old releases print attributes in parentheses; they are children by another name."""
    if not node["attributes"]:
        return False
    for pair in node["attributes"].split(","):
        name, _, value = pair.strip().partition("=")
        tree.leaf(f"{path} {name}", value, source)
    return True


READER = Reader("xStatus text", _claims, _read)
