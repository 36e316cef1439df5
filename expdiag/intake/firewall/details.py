"""The end of a line of `iptables -L`: what its matches and its target say in words of their own."""

from __future__ import annotations

import re

from expdiag.intake.firewall import values
from expdiag.intake.firewall.draft import Draft

_STATES = r"(?:NEW|ESTABLISHED|RELATED|INVALID|UNTRACKED|SNAT|DNAT)"
# /* a comment */     [goto]
_COMMENT = re.compile(r"/\* (?P<comment>.*?) \*/")
# tcp spts:1024:65535 dpt:!22     (the name of the protocol stands in its own column too)
_PORT = re.compile(r"(?:(?:tcp|udp|udplite|sctp|dccp) )?(?P<end>[sd])pts?:(?P<not>!?)(?P<ports>\S+)")
# multiport dports  !1000:2000,5061
_MULTIPORT = re.compile(r"multiport (?P<end>[sd])ports +(?P<not>!? ?)(?P<ports>\S+)")
# source IP range 10.0.2.1-10.0.2.9     destination IP range ! 10.0.2.1-10.0.2.9
_RANGE = re.compile(r"(?P<end>source|destination) IP range (?P<not>(?:! ?)?)(?P<range>\S+)")
_STATE = re.compile(rf"(?:ct)?state (?P<states>{_STATES}(?:,{_STATES})*)(?!\S)")
_PROTOCOL = re.compile(r"(?:tcp|udp|udplite|sctp|dccp)(?!\S)")
# One word, or a quoted text as one; `! ctstate NEW` is one condition
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"?|! (?:ct)?state \S+|\S+')
# How the words of a target begin: DNAT  to:10.0.0.1:80
_TARGETS = {
    "reject": r"reject-with ",
    "LOG": r"LOG ",
    "DNAT": r"to:",
    "SNAT": r"to:",
    "REDIRECT": r"redir ports ",
    "MASQUERADE": r"masq ports: |random\b",
    "MARK": r"MARK (?:set|xset|and|or|xor) ",
    "NFLOG": r"nflog-",
    "NFQUEUE": r"NFQUEUE ",
    "CT": r"CT ",
    "DSCP": r"DSCP set ",
    "TCPMSS": r"TCPMSS ",
    "TPROXY": r"TPROXY ",
}
_BLANKS = re.compile(r"\s*")


def take_details(draft: Draft, text: str) -> None:
    """Put what the end of a line says into its columns; what is not known stays as a condition."""
    action = draft.columns["action"]
    aim = re.compile(_TARGETS[action]) if action in _TARGETS else None
    last_comment = text.rfind(" */")
    unknown: list[str] = []
    at = 0
    if text.startswith("[goto]"):
        draft.columns |= {"action": "goto", "target": action}
        at = len("[goto]")
    while (at := _BLANKS.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        if aim and aim.match(text, at):
            draft.columns["target"] = text[at:].removeprefix("reject-with ")
            break
        end = _take_comment(draft, text, at) if at < last_comment else None
        end = end or _take_known(draft, text, at)
        if end is None:
            word = _WORD.match(text, at)
            end = word.end() if word else len(text)
            unknown.append(text[at:end])
        elif unknown:
            draft.conditions.append(" ".join(unknown))
            unknown = []
        at = end
    if unknown:
        draft.conditions.append(" ".join(unknown))


def _take_comment(draft: Draft, text: str, at: int) -> int | None:
    found = _COMMENT.match(text, at)
    if not found:
        return None
    draft.remarks.append(found["comment"])
    return found.end()


def _take_known(draft: Draft, text: str, at: int) -> int | None:
    """Take what is known at a place; return where it ends, None where nothing is."""
    if found := _PORT.match(text, at) or _MULTIPORT.match(text, at):
        column = "source_ports" if found["end"] == "s" else "ports"
        value = values.ports(found["ports"].split(","), ":", bool(found["not"].strip()))
        draft.put(column, value, found[0])
    elif found := _RANGE.match(text, at):
        column = f"{found['end']}_network"
        draft.put(column, values.networks([found["range"]]), found[0], negated=bool(found["not"]))
    elif found := _STATE.match(text, at):
        draft.put("states", values.states(found["states"]), found[0])
    else:
        # `-m tcp` repeats what the column of the protocol says
        found = _PROTOCOL.match(text, at)
        if not found or found[0] != draft.columns.get("transport"):
            return None
    return found.end()
