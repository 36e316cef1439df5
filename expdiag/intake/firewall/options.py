"""The options of one rule of iptables, as `iptables-save` and `iptables -S` print them and people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from expdiag.intake.firewall import values
from expdiag.intake.firewall.draft import VERDICTS, Draft

_WORD = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']\S*)(?=\s|$)""")
_ESCAPED = re.compile(r"\\(.)")

_SAME = {
    **{"--source": "-s", "--src": "-s", "--destination": "-d", "--dst": "-d", "--protocol": "-p"},
    **{"--in-interface": "-i", "--out-interface": "-o", "--match": "-m", "--jump": "-j", "--goto": "-g"},
    **{"--source-port": "--sport", "--destination-port": "--dport", "--set-counters": "-c", "--fragment": "-f"},
    **{"--source-ports": "--sports", "--destination-ports": "--dports", "--ctstate": "--state"},
}
_NETWORKS = {
    **{"-s": "source_network", "--src-range": "source_network"},
    **{"-d": "destination_network", "--dst-range": "destination_network"},
}
_PORTS = {"--sport": "source_ports", "--sports": "source_ports", "--dport": "ports", "--dports": "ports"}
_INTERFACES = {"-i": "interface", "-o": "out_interface"}
_OWN = frozenset({*_NETWORKS, *_PORTS, *_INTERFACES, "-p", "-f", "-c", "-m", "-j", "-g", "--state", "--comment"})
# Modules that ask for nothing by themselves, as each of their options is a condition of its own
_PLAIN_MODULES = frozenset(
    {
        *("tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmp6", "ipv6-icmp"),
        *("multiport", "conntrack", "state", "iprange", "comment"),
    }
)
# How many words an option has whose words may begin with a dash, or that has none
_ARITY = {
    **{"-f": 0, "-c": 2, "--comment": 1, "--string": 1, "--hex-string": 1, "--tcp-flags": 2},
    **dict.fromkeys(
        ("--log-prefix", "--nflog-prefix", *_SAME, *_NETWORKS, *_PORTS, *_INTERFACES, "-p", "-m", "-j", "-g"), 1
    ),
    **{"--set-counters": 2, "--fragment": 0},
}


class _Option(NamedTuple):
    """One option with its words; `printed` is how it stands in the rule."""

    name: str
    negated: bool
    words: list[str]
    printed: str


@dataclass
class _Rule:
    """A rule while its options are taken; `module` is what an open module asks for that no column holds."""

    draft: Draft = field(default_factory=Draft)
    module: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)
    behind_target: bool = False

    def take(self, option: _Option) -> None:
        """Take the next option; it belongs to the module or the target before it, where it is none of our own."""
        foreign = option.name not in _OWN
        if self.module and (foreign or option.name.startswith("--")):
            self.module.append(option.printed)
        elif foreign and self.behind_target:
            self.target.append(option.printed)
        elif foreign:
            self.draft.conditions.append(option.printed)
        else:
            self._close_module()
            self._take_own(option)

    def _take_own(self, option: _Option) -> None:
        match option.name:
            case "-m":
                self.behind_target = False
                if option.words[0] not in _PLAIN_MODULES or option.negated:
                    self.module = [option.printed]
            case "-j" | "-g":
                self.behind_target = True
                self._aim(option)
            case "-c":
                packets, octets = map(values.count, option.words)
                self.draft.columns |= {"packets": packets, "bytes": octets}
            case "--comment":
                self.draft.remarks.append(_unquoted(option.words[0]))
            case _:
                _restrict(self.draft, option)

    def _aim(self, option: _Option) -> None:
        if "action" in self.draft.columns:  # a second target is no rule that iptables takes
            self.draft.conditions.append(option.printed)
        elif option.name == "-g":
            self.draft.columns |= {"action": "goto", "target": option.words[0]}
        else:
            self.draft.columns["action"] = VERDICTS.get(option.words[0], option.words[0])

    def _close_module(self) -> None:
        if self.module:
            self.draft.conditions.append(" ".join(self.module))
            self.module = []

    def finish(self) -> Draft:
        """Return the whole rule: what a verdict has behind it and does not know is a condition."""
        self._close_module()
        action = self.draft.columns.get("action")
        for printed in self.target:
            if action == "reject" and printed.startswith("--reject-with "):
                self.draft.put("target", printed.partition(" ")[2], printed)
            elif action in ("accept", "drop", "reject", "return", "goto"):
                self.draft.conditions.append(printed)
        if action not in ("accept", "drop", "reject", "return", "goto"):
            self.draft.columns["target"] = " ".join(self.target)
        return self.draft


def rule(text: str) -> Draft | None:
    """Read the options of a rule; None where they are cut or are no options."""
    options = _options(text)
    if options is None:
        return None
    reading = _Rule()
    for option in options:
        reading.take(option)
    return reading.finish()


def _restrict(draft: Draft, option: _Option) -> None:
    """Put what an option asks for into its column."""
    name, negated, words, printed = option
    if column := _NETWORKS.get(name):
        parts = words[0].split(",")
        is_list = "," in words[0] and negated  # iptables makes a rule of each, so that any packet meets one
        draft.put(column, None if is_list else values.networks(parts), printed, negated=negated)
    elif column := _PORTS.get(name):
        draft.put(column, values.ports(words[0].split(","), ":", negated), printed)
    elif column := _INTERFACES.get(name):
        draft.put(column, values.interfaces(words), printed, negated=negated)
    elif name == "-p":
        draft.put("transport", values.transport(words[0]), printed, negated=negated)
    elif name == "--state":
        draft.put("states", None if negated else values.states(words[0]), printed)
    else:
        draft.conditions.append(printed)


def _options(text: str) -> list[_Option] | None:
    words = _words(text)
    options: list[_Option] = []
    at = 0
    while words is not None and at < len(words):
        start = at
        negated = words[at] == "!"
        at += negated
        if at == len(words) or not words[at].startswith("-"):
            return None
        name = words[at]
        at += 1
        if words[at : at + 1] == ["!"] and _ARITY.get(name) and not negated:  # as old versions print it: -s ! 10.0.0.1
            negated, at = True, at + 1
        end = _end(words, name, at)
        if end > len(words):
            return None
        options.append(_Option(_SAME.get(name, name), negated, words[at:end], " ".join(words[start:end])))
        at = end
    return None if words is None else options


def _end(words: list[str], name: str, at: int) -> int:
    """Return where the words of an option end."""
    if name in _ARITY:
        return at + _ARITY[name]
    while at < len(words) and not words[at].startswith("-"):
        if words[at] == "!" and words[at + 1 : at + 2] and words[at + 1].startswith("-"):
            break
        at += 1
    return at


def _words(text: str) -> list[str] | None:
    """Return the words as they are printed, quotes included; None where a quote does not end."""
    words, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _WORD.match(text, at)
        if not found:
            return None
        words.append(found[1])
        at = found.end()
    return words


def _unquoted(word: str) -> str:
    if word[:1] == '"':
        return _ESCAPED.sub(r"\1", word[1:-1])
    return word[1:-1] if word[:1] == "'" else word
