"""A rule as far as it was read, and the rules of one print until its end tells what they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from expdiag.intake.firewall import values
from expdiag.intake.reading import Harvest
from expdiag.intake.secrets import scrub
from expdiag.tables import FirewallRule

VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}
INTERFACES_NOT_SHOWN = "interfaces not shown"
MAY_BE_CUT = "line may be cut"
OPEN_END = "the last line has no end; what it says may be cut, and rules may be missing"
# Built-in chains of the tables of iptables; `security` has those of `filter` and is hardly met
_TABLES = {
    frozenset({"INPUT", "FORWARD", "OUTPUT"}): "filter",
    frozenset({"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"}): "nat",
    frozenset({"PREROUTING", "OUTPUT", "POSTROUTING"}): "nat",
    frozenset({"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}): "mangle",
    frozenset({"PREROUTING", "OUTPUT"}): "raw",
}
HOOKS = frozenset({"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"})


@dataclass
class Draft:
    """One rule while its words are taken; what fits no column becomes a condition."""

    columns: dict[str, Any] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def put(self, column: str, value: Any, words: str, *, negated: bool = False) -> None:
        """Fill a column, or keep the words as a condition.

        Args:
            column: which one.
            value: what it is to hold; None where it cannot, empty for anything.
            words: the condition as it stands.
            negated: everything but the value.
        """
        if negated:
            value = f"!{value}" if value else None  # all but anything, or all but what is not known
        if value is None or self.columns.get(column) not in (None, "", (), value):
            self.conditions.append(words)
        else:
            self.columns[column] = value

    def row(self, **known: Any) -> FirewallRule:
        """Return the row; texts are harmless to show."""
        columns = _EMPTY | self.columns | known
        columns["target"] = scrub(columns["target"])
        return FirewallRule(
            **columns,
            conditions=scrub("; ".join(filter(None, self.conditions))),
            remarks=scrub("; ".join(filter(None, self.remarks))),
        )


_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("device", "origin", "family", "table", "chain", "hook", "target", "transport"), ""),
    **dict.fromkeys(("source_network", "destination_network", "interface", "out_interface"), ""),
    **dict.fromkeys(("source_ports", "ports"), ""),
    **dict.fromkeys(("position", "priority", "packets", "bytes")),
    "action": "none",
    "states": (),
}


@dataclass
class Print:
    """The rows of one print of iptables: what its own chains are, and its family, shows only at its end."""

    harvest: Harvest
    device: str
    family: str = ""
    table: str = ""
    rows: list[FirewallRule] = field(default_factory=list)
    built_in: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    positions: dict[str, int] = field(default_factory=dict)

    @property
    def chains(self) -> set[str]:
        """All chains whose head was seen."""
        return self.built_in | self.own

    def head(self, chain: str, policy: str, packets: int | None, octets: int | None, source: int) -> None:
        """Take the head of a chain; without a policy it is one that only jumps lead to."""
        draft = Draft({"action": VERDICTS.get(policy, policy) if policy else "return"})
        (self.built_in if policy else self.own).add(chain)
        self.positions.setdefault(chain, 0)
        self._add(draft, chain, packets=packets if policy else None, bytes=octets if policy else None, source=source)

    def rule(self, draft: Draft, chain: str, source: int) -> None:
        """Take a rule, the next of its chain."""
        self.positions[chain] = self.positions.get(chain, 0) + 1
        self._add(draft, chain, position=self.positions[chain], source=source)

    def _add(self, draft: Draft, chain: str, **known: Any) -> None:
        self.rows.append(draft.row(device=self.device, origin="iptables", chain=chain, **known))

    def doubt_last(self) -> None:
        """Mark the last rule as one whose line may be cut."""
        if self.rows and self.rows[-1].position is not None:
            self.rows[-1] = doubted(self.rows[-1])

    def finish(self) -> None:
        """Hand out the rows."""
        family = self.family or _only({_family(row) for row in self.rows})
        table = self.table or _TABLES.get(frozenset(self.built_in), "")
        for row in self.rows:
            self.harvest.add(
                self._settled(row)._replace(
                    family=family, table=table, hook=row.chain.lower() if self._is_hook(row.chain) else ""
                )
            )
        self.rows = []

    def _is_hook(self, chain: str) -> bool:
        return chain in self.built_in or (chain in HOOKS and chain not in self.own)

    def _settled(self, row: FirewallRule) -> FirewallRule:
        """An action that is a chain is a jump, and what stands behind it is a condition."""
        if row.action not in self.own:
            return row
        conditions = "; ".join(filter(None, (row.conditions, row.target)))
        return row._replace(action="jump", target=row.action, conditions=conditions)


def doubted(row: FirewallRule) -> FirewallRule:
    """Return a rule that must not be relied on, as its line may be cut."""
    return row._replace(conditions="; ".join(filter(None, (row.conditions, MAY_BE_CUT))))


def unread(line: str) -> Draft:
    """Return a rule in whose place stands something, but not what."""
    return Draft({"action": "unknown"}, [line.strip()])


def _family(row: FirewallRule) -> str:
    if row.transport == "icmpv6":
        return "ipv6"
    return values.family_of(f"{row.source_network},{row.destination_network}".strip(",").replace("!", ""))


def _only(found: set[str]) -> str:
    kinds = found - {""}
    return kinds.pop() if len(kinds) == 1 else ""
