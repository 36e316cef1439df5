"""Tables, sets and chains as `nft list ruleset` prints them, with and without handles."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from expdiag.intake.firewall import nft_rule
from expdiag.intake.firewall.draft import Draft, doubted, unread
from expdiag.intake.firewall.nft_words import Sets, elements
from expdiag.intake.reading import Harvest
from expdiag.intake.secrets import scrub
from expdiag.tables import FirewallRule

_HANDLE = re.compile(r"\s# handle [0-9]{1,20}$")
# table inet filter {
_TABLE = re.compile(r"table (?:(?P<family>ip|ip6|inet|arp|bridge|netdev) )?(?P<name>[^\s{;\"]+) \{$")
# chain input {     set peers4 {     map verdicts {     counter seen {     ct helper ftp {
_BLOCK = re.compile(
    r"(?P<kind>chain|set|map|meter|flowtable|counter|quota|limit|secmark|synproxy|ct (?:helper|timeout|expectation)) "
    r"(?P<name>[^\s{;]+) \{$"
)
# type filter hook input priority filter + 10; policy drop;
_BASE = re.compile(
    r"type (?P<type>\w+) hook (?P<hook>\w+)(?: devices? .{1,200}?)? priority (?P<priority>[\w+ -]{1,40}?);"
    r"(?: policy (?P<policy>accept|drop);)?$"
)
_ELEMENTS = re.compile(r"elements = \{(?P<first>.*)$")
_COMMENT = re.compile(r'comment "(?P<comment>[^"]*)"$')
_PRIORITY = re.compile(r"(?P<number>-?[0-9]{1,10})|(?P<name>[a-z]+)(?: ?(?P<sign>[+-]) ?(?P<offset>[0-9]{1,9}))?")
_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_BRIDGE_PRIORITIES = {"dstnat": -300, "filter": -200, "out": 100, "srcnat": 300}
_FAMILIES = {"ip": "ipv4", "ip6": "ipv6", "inet": "both"}
# # Warning: table ip filter is managed by iptables-nft, do not touch!
_MANAGED = re.compile(r"# Warning: table \S+ \S+ is managed by ip6?tables-nft\b")
# # xt_conntrack counter packets 0 bytes 0 accept     (a rule of iptables that nft cannot translate)
_UNTRANSLATED = re.compile(r"# xt_\w|# .*\bcounter packets [0-9]")
_OBJECT_WORDS = frozenset(
    {
        *("type", "typeof", "flags", "size", "timeout", "gc-interval", "auto-merge", "policy", "comment", "counter"),
        *("packets", "over", "until", "rate", "protocol", "l3proto", "hook", "devices", "mss", "wscale", "sack-perm"),
        *("timestamp", "used", "sport", "dport", "}"),
    }
)
_MOST_TEXT = 1 << 20


@dataclass
class _Chain:
    """A chain that is open."""

    name: str
    source: int
    position: int = 0
    hook: str = ""
    priority: int | None = None


@dataclass
class Ruleset:
    """One print of rules by nft.

    Attributes:
        harvest: where rows and issues go.
        device: machine it ran on, as far as known.
    """

    harvest: Harvest
    device: str
    _family: str = ""
    _table: str = ""
    _dormant: bool = False
    _opened: int = 0
    _block: str = ""
    _chain: _Chain | None = None
    _rows: list[FirewallRule] = field(default_factory=list)
    _sets: Sets = field(default_factory=dict)
    _elements: list[str] | None = None
    _length: int = 0
    _name: str = ""

    @staticmethod
    def starts(line: str) -> bool:
        """Whether a line opens a table."""
        return _TABLE.match(_without_handle(line)) is not None

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is the head of a table or of a base chain."""
        plain = _without_handle(line)
        return _TABLE.match(plain) is not None or _BASE.match(plain) is not None

    @property
    def is_open(self) -> bool:
        """Whether a table is open."""
        return bool(self._table)

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it was understood."""
        plain = _without_handle(line)
        if _MANAGED.match(plain):
            return True
        if table := _TABLE.match(plain):
            self._open_table(table, number)
            return True
        if not self._table:
            return False
        if self._chain:
            return self._in_chain(plain, number, line)
        if self._block:
            return self._in_block(plain)
        return self._in_table(plain, number, line)

    def finish(self, at_end: bool = False) -> None:
        """Report a table that is still open; `at_end` where the file ends here."""
        if self._table:
            self.harvest.issue("truncated", f"table {self._table} is not closed; rules may be missing", self._opened)
            self._close_chain(cut=True, doubt=at_end and self.harvest.open_end)
        self._table = self._block = ""

    def _open_table(self, table: re.Match[str], number: int) -> None:
        self.finish()
        kind = table["family"] or "ip"
        self._family, self._table, self._opened = _FAMILIES.get(kind, ""), f"{kind} {table['name']}", number
        self._dormant, self._sets = False, {}

    def _in_table(self, plain: str, number: int, line: str) -> bool:
        if plain == "}":
            self._table = ""
        elif block := _BLOCK.match(plain):
            if block["kind"] == "chain":
                self._chain = _Chain(block["name"], self.harvest.note(number, line))
                self._default("return", "")
            self._block, self._name, self._elements = block["kind"], block["name"], None
            if block["kind"] in ("set", "map"):
                self._sets[block["name"]] = []
        elif plain.startswith("flags "):
            self._dormant = "dormant" in plain
        else:
            return _COMMENT.match(plain) is not None
        return True

    def _in_block(self, plain: str) -> bool:
        """Take a line of a set or another object; the elements of a set are kept."""
        if self._elements is None and plain == "}":
            self._block = ""
            return True
        if found := _ELEMENTS.match(plain):
            self._elements, self._length, plain = [], 0, found["first"]
        if self._elements is not None:
            self._length += len(plain)
            if self._length < _MOST_TEXT:
                self._elements.append(plain)
            if plain.endswith("}"):
                self._sets[self._name] = elements(" ".join(self._elements).removesuffix("}"))
                self._elements = None
            return True
        return plain.partition(" ")[0] in _OBJECT_WORDS or plain.startswith('"')

    def _in_chain(self, plain: str, number: int, line: str) -> bool:
        assert self._chain
        if plain == "}":
            self._close_chain()
        elif not self._chain.position and (base := _BASE.match(plain)):
            self._chain.hook = base["hook"]
            self._chain.priority = self._priority(base["priority"])
            self._chain.source = self.harvest.note(number, line)
            self._default(base["policy"] or "accept", base["type"])
        elif not self._chain.position and plain.startswith("type "):
            self.harvest.issue("unrecognised", line, number)
            self._default("unknown", "")
        elif plain.startswith("#") and not _UNTRANSLATED.match(plain):
            return True
        elif self._chain.position or not _COMMENT.match(plain):
            self._chain.position += 1
            draft = nft_rule.rule(plain, self._sets)
            if draft is None:
                self.harvest.issue("unrecognised", line, number)
                draft = unread(plain)
            self._add(draft, position=self._chain.position, source=self.harvest.note(number, scrub(line)))
        return True

    def _default(self, action: str, kind: str) -> None:
        """Put the default of the open chain before its rules."""
        assert self._chain
        draft = Draft({"action": action}, remarks=[f"type {kind}"] if kind not in ("", "filter") else [])
        self._rows = []
        self._add(draft, source=self._chain.source)

    def _add(self, draft: Draft, **known: object) -> None:
        assert self._chain
        if self._dormant:
            draft.conditions.append("flags dormant")
        narrowed = draft.columns.pop("family", "")
        family = narrowed if narrowed and self._family in ("both", "") else self._family
        self._rows.append(
            draft.row(
                device=self.device,
                origin="nftables",
                family=family,
                table=self._table,
                chain=self._chain.name,
                hook=self._chain.hook,
                priority=self._chain.priority,
                **known,
            )
        )

    def _close_chain(self, cut: bool = False, doubt: bool = False) -> None:
        if self._chain is None:
            return
        if cut and not self._chain.hook and self._chain.position <= int(doubt):
            self._rows = self._rows[1:]  # whether it has a hook would have stood in the first line
        if doubt and self._rows and self._rows[-1].position is not None:
            self._rows[-1] = doubted(self._rows[-1])
        for row in self._rows:
            self.harvest.add(row)
        self._chain, self._block, self._rows = None, "", []

    def _priority(self, words: str) -> int | None:
        found = _PRIORITY.fullmatch(words)
        if found is None:
            return None
        if found["number"]:
            return int(found["number"])
        known = _BRIDGE_PRIORITIES if self._table.startswith("bridge ") else _PRIORITIES
        base = known.get(found["name"])
        offset = int(f"{found['sign'] or ''}{found['offset'] or 0}")
        return None if base is None else base + offset


def _without_handle(line: str) -> str:
    return _HANDLE.sub("", line.strip()).rstrip()
