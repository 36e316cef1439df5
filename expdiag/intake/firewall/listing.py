"""Rules as `iptables -L` lists them, with and without `-n`, `-v`, `-x` and `--line-numbers`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from expdiag.intake.firewall import values
from expdiag.intake.firewall.details import take_details
from expdiag.intake.firewall.draft import INTERFACES_NOT_SHOWN, OPEN_END, VERDICTS, Draft, Print, unread
from expdiag.intake.reading import Harvest
from expdiag.intake.secrets import scrub

_NUMBER = r"[0-9]{1,18}[KMGT]?"
# Chain INPUT (policy DROP 12 packets, 3456 bytes)     Chain CLUSTER (1 references)
_CHAIN = re.compile(
    rf"(?P<indent> *)Chain (?P<chain>\S+) \((?:policy (?P<policy>[A-Z]+)"
    rf"(?: (?P<packets>{_NUMBER}) packets, (?P<bytes>{_NUMBER}) bytes)?|(?P<references>[0-9]+) references)\)\s*$"
)
# num   pkts bytes target     prot opt in     out     source               destination
_HEAD = re.compile(
    r"\s*(?P<num>num +)?(?P<pkts>pkts +bytes +)?target +prot +opt +(?P<in>in +out +)?source +destination\s*$"
)
# tcp  --  eth0   *       10.0.1.11            0.0.0.0/0            tcp dpt:4372     !udp -- ...
_PROTOCOL = r"(?P<protocol>!?[\w.-]+) +(?:(?P<fragment>--|-f|!f) +)?"
_INTERFACES = r"(?P<in>!?\S+) +(?P<out>!?\S+) +"
_ENDS = r"(?P<source>!?[^\s!]\S*) +(?P<destination>!?[^\s!]\S*)(?P<details>(?:\s.*)?)$"
# What stands in columns is a rule, even where it cannot be read; a command or a message is none
_ALIGNED = re.compile(r"\S {2,}\S|^ {9}")
_NO_HEAD = re.compile(r"\s*Chain \S+ \(")
_SHORT = re.compile(_PROTOCOL + _ENDS)
_LONG = re.compile(_PROTOCOL + _INTERFACES + _ENDS)
_COUNTERS = re.compile(rf" *(?P<packets>{_NUMBER}) +(?P<bytes>{_NUMBER}) ")
_LINE_NUMBER = re.compile(r"([0-9]{1,9}) ")
_NUMBER_WIDTH = 5
_ANYWHERE = frozenset({"anywhere", "0.0.0.0/0", "::/0"})


@dataclass
class Listing:
    """One listing of chains.

    Attributes:
        harvest: where rows and issues go.
        device: machine it ran on, as far as known.
        family: `ipv4` or `ipv6` where the command tells.
        table: table where the command tells.
    """

    harvest: Harvest
    device: str
    family: str = ""
    table: str = ""
    _print: Print | None = None
    _chain: str = ""
    _indent: int = 0
    _head: re.Match[str] | None = None
    _said: bool = False
    _last_was_rule: bool = False

    @staticmethod
    def starts(line: str) -> bool:
        """Whether a line is the head of a chain."""
        return _CHAIN.match(line) is not None

    @staticmethod
    def claims(line: str) -> bool:
        """Whether a line is one of a chain's two heads."""
        return _CHAIN.match(line) is not None or _HEAD.match(line) is not None

    def take(self, number: int, line: str) -> bool:
        """Take a line; return whether it was understood."""
        self._last_was_rule = False
        if chain := _CHAIN.match(line):
            self._open(chain, number, line)
        elif head := _HEAD.match(line):
            self._head = head
            if not head["in"] and not self._said:
                self._said = True
                text = "listed without -v, so the interfaces of the rules are not shown; send iptables-save"
                self.harvest.issue("incomplete", text, number)
        elif self._print and self._head and _ALIGNED.search(line) and not _NO_HEAD.match(line):
            self._rule(number, line)
        else:
            if _NO_HEAD.match(line):
                self._head = None  # rules of a chain nobody can name
            return False
        return True

    def finish(self, at_end: bool = False) -> None:
        """Hand out what was read; `at_end` where the file ends here."""
        if self._print:
            if at_end and self.harvest.open_end:
                self.harvest.issue("truncated", OPEN_END, self.harvest.lines)
                if self._last_was_rule:
                    self._print.doubt_last()
            self._print.finish()
        self._print = None

    def _open(self, chain: re.Match[str], number: int, line: str) -> None:
        known = self._print
        # Built-in chains come first, PREROUTING before all others, and none comes twice
        if known and (
            chain["chain"] in known.chains
            or (chain["policy"] and known.own)
            or (chain["chain"] == "PREROUTING" and known.chains)
        ):
            self.finish()
        self._print = self._print or Print(self.harvest, self.device, self.family, self.table)
        self._chain, self._head, self._indent = chain["chain"], None, len(chain["indent"])
        packets, octets = (values.count(chain[part] or "") for part in ("packets", "bytes"))
        source = self.harvest.note(number, line)
        self._print.head(self._chain, chain["policy"] or "", packets, octets, source)

    def _rule(self, number: int, line: str) -> None:
        assert self._print
        assert self._head
        draft = _draft(line[self._indent :] if line[: self._indent].isspace() else line, self._head)
        if draft is None:
            self.harvest.issue("unrecognised", line, number)
            draft = unread(line)
        elif not self._head["in"]:
            draft.conditions.append(INTERFACES_NOT_SHOWN)
        if self.family == "" and (found := _FAMILY.search(line)):
            self._print.family = self._print.family or ("ipv6" if found[0].strip() == "::/0" else "ipv4")
        self._print.rule(draft, self._chain, self.harvest.note(number, scrub(line)))
        self._last_was_rule = True


_FAMILY = re.compile(r" (?:0\.0\.0\.0/0|::/0)(?= |$)")


def _draft(line: str, head: re.Match[str]) -> Draft | None:
    """Read a rule in the columns its head names; None where they are not there."""
    draft = Draft()
    at = 0
    if head["num"]:
        numbered = _LINE_NUMBER.match(line)
        if not numbered:
            return None
        at = max(_NUMBER_WIDTH, numbered.end())
    if head["pkts"]:
        counted = _COUNTERS.match(line, at)
        if not counted:
            return None
        draft.columns |= {"packets": values.count(counted["packets"]), "bytes": values.count(counted["bytes"])}
        at = counted.end()
    target, rest = _target(line[at:])
    found = (_LONG if head["in"] else _SHORT).match(rest)
    if not found:
        return None
    draft.columns["action"] = VERDICTS.get(target, target) if target else "none"
    _take_columns(draft, found)
    take_details(draft, found["details"].strip())
    return draft


def _target(text: str) -> tuple[str, str]:
    """Return the target, empty where its column is, and what follows."""
    if text.startswith(" "):
        return "", text.lstrip()
    target, _, rest = text.partition(" ")
    return target, rest.lstrip()


def _take_columns(draft: Draft, found: re.Match[str]) -> None:
    parts = found.groupdict()
    if parts["fragment"] in ("-f", "!f"):
        draft.conditions.append(parts["fragment"])
    protocol = parts["protocol"].removeprefix("!")
    negated = parts["protocol"].startswith("!")
    draft.put("transport", values.transport(protocol), f"prot {parts['protocol']}", negated=negated)
    for column, part in (("interface", "in"), ("out_interface", "out")):
        name = parts.get(part) or "any"
        plain = name.removeprefix("!")
        value = "" if plain in ("*", "any") else values.interfaces([plain])
        draft.put(column, value, f"{part} {name}", negated=name.startswith("!"))
    for column, part in (("source_network", "source"), ("destination_network", "destination")):
        name = parts[part]
        plain = name.removeprefix("!")
        value = "" if plain in _ANYWHERE else values.networks([plain])
        draft.put(column, value, f"{part} {name}", negated=name.startswith("!"))
