"""One rule as nft prints it: which of its statements are conditions, and which of those a column can hold."""

from __future__ import annotations

import re

from expdiag.intake.firewall import values
from expdiag.intake.firewall.draft import VERDICTS, Draft
from expdiag.intake.firewall.nft_words import Cursor, Sets, members_of, with_elements, words_of
from expdiag.intake.reading import whole_number

_OPERATORS = frozenset({"==", "!=", "<", ">", "<=", ">=", "&", "|", "^", "<<", ">>", "/", "!"})

_NETWORKS = {
    **{"ip saddr": ("source_network", "ipv4"), "ip daddr": ("destination_network", "ipv4")},
    **{"ip6 saddr": ("source_network", "ipv6"), "ip6 daddr": ("destination_network", "ipv6")},
}
_INTERFACES = {"iif": "interface", "iifname": "interface", "oif": "out_interface", "oifname": "out_interface"}
_PORTS = {
    f"{protocol} {word}": (column, "" if protocol == "th" else protocol)
    for protocol in ("tcp", "udp", "sctp", "dccp", "udplite", "th")
    for word, column in (("sport", "source_ports"), ("dport", "ports"))
}
_PROTOCOLS = frozenset({"l4proto", "ip protocol", "ip6 nexthdr"})
_OF_FAMILY = {"ip protocol": "ipv4", "ip6 nexthdr": "ipv6"}
_FAMILIES = {"ipv4": "ipv4", "ip": "ipv4", "ipv6": "ipv6", "ip6": "ipv6"}
# What is compared, by its first word; what no column holds is known too, so that the next condition is found
_FIELDS = {
    "ip": {"saddr", "daddr", "protocol", "version", "hdrlength", "dscp", "ecn", "length", "id", "frag-off", "ttl"},
    "ip6": {"saddr", "daddr", "nexthdr", "version", "dscp", "ecn", "flowlabel", "length", "hoplimit"},
    "tcp": {"sport", "dport", "flags", "sequence", "ackseq", "window", "doff"},
    "udp": {"sport", "dport", "length"},
    "udplite": {"sport", "dport"},
    "sctp": {"sport", "dport"},
    "dccp": {"sport", "dport", "type"},
    "th": {"sport", "dport"},
    "icmp": {"type", "code", "id", "sequence", "mtu"},
    "icmpv6": {"type", "code", "id", "sequence", "mtu", "max-delay"},
    "ether": {"saddr", "daddr", "type"},
    "ct": {"state", "mark", "status", "direction", "expiration", "helper", "zone"},
    "xt": {"match"},
}
_META = frozenset(
    {
        *("iif", "iifname", "oif", "oifname", "iifgroup", "oifgroup", "iiftype", "oiftype", "mark", "l4proto"),
        *("nfproto", "protocol", "length", "skuid", "skgid", "pkttype", "cpu", "cgroup", "priority", "hour", "day"),
        *("nftrace", "time"),
    }
)
_BARE = frozenset({"iif", "iifname", "oif", "oifname", "iifgroup", "oifgroup", "skuid", "skgid"})
_VERDICTS = frozenset({"accept", "drop", "return", "continue"})
_JUMPS = frozenset({"jump", "goto"})
_ENDS = frozenset(
    {"reject", "dnat", "snat", "masquerade", "redirect", "queue", "tproxy", "notrack", "dup", "fwd", "synproxy"}
)
_STARTS = _VERDICTS | _JUMPS | _ENDS | {"counter", "log", "limit", "comment"}
_LOG_OPTIONS = frozenset({"prefix", "level", "group", "snaplen", "queue-threshold"})
_LIMIT_WORDS = frozenset({"rate", "over", "burst", "packets", "name", "bytes", "kbytes", "mbytes"})
_LIMIT_VALUE = re.compile(r'[0-9]+(?:/\w+)?|"[^"]*"|[kmg]?bytes/\w+')


def rule(text: str, sets: Sets) -> Draft | None:
    """Read a rule; None where a quote or a brace does not close.

    Args:
        text: the rule in one line, without its handle.
        sets: elements of the named sets and maps of its table.
    """
    words = words_of(text)
    if words is None:
        return None
    cursor = Cursor(words)
    draft = Draft()
    while cursor.peek():
        _statement(cursor, draft, sets)
    draft.columns.setdefault("action", "none")
    return draft


def _statement(cursor: Cursor, draft: Draft, sets: Sets) -> None:
    """Take one statement of a rule."""
    start = cursor.at
    word = cursor.peek()
    done = "action" in draft.columns
    if word == "comment" and cursor.peek(1).startswith('"'):
        cursor.at += 2
        draft.remarks.append(cursor.words[cursor.at - 1].strip('"'))
    elif word.startswith("#") and done:
        cursor.at = len(cursor.words)
        draft.remarks.append(cursor.since(start))
    elif done:  # a verdict ends a rule
        cursor.at = len(cursor.words)
        draft.conditions.append(cursor.since(start))
    elif word == "counter":
        _counter(cursor, draft)
    elif word == "log":
        _log(cursor, draft)
    elif word == "limit":
        _limit(cursor, draft)
    elif word in _VERDICTS | _JUMPS | _ENDS:
        _verdict(cursor, draft)
    elif word == "xt" and cursor.peek(1) == "target" and cursor.peek(2):
        cursor.at += 3
        target = cursor.words[cursor.at - 1].strip('"')
        draft.columns["action"] = VERDICTS.get(target, target)
    else:
        _condition(cursor, draft, sets)


def _counter(cursor: Cursor, draft: Draft) -> None:
    start = cursor.at
    cursor.take()
    if cursor.peek() == "packets" and cursor.peek(2) == "bytes":
        draft.columns |= {"packets": values.count(cursor.peek(1)), "bytes": values.count(cursor.peek(3))}
        cursor.at = min(cursor.at + 4, len(cursor.words))
    elif cursor.peek() == "name":
        cursor.at = min(cursor.at + 2, len(cursor.words))
        draft.remarks.append(cursor.since(start))


def _log(cursor: Cursor, draft: Draft) -> None:
    """Take what a rule logs: its action where nothing follows that decides."""
    start = cursor.at
    cursor.take()
    while cursor.peek() in _LOG_OPTIONS or cursor.peek() == "flags":
        option = cursor.take()
        kind = cursor.peek()
        words = 2 if option == "flags" and kind in ("tcp", "ip") else 1
        cursor.at = min(cursor.at + words, len(cursor.words))
    draft.remarks.append(cursor.since(start))


def _limit(cursor: Cursor, draft: Draft) -> None:
    start = cursor.at
    cursor.take()
    while cursor.peek() in _LIMIT_WORDS or (_LIMIT_VALUE.fullmatch(cursor.peek()) and cursor.peek()):
        cursor.take()
    draft.conditions.append(cursor.since(start))


def _verdict(cursor: Cursor, draft: Draft) -> None:
    action = cursor.take()
    draft.columns["action"] = "none" if action == "continue" else action
    if action in _JUMPS and cursor.peek():
        draft.columns["target"] = cursor.take()
    elif action in _ENDS:
        start = cursor.at
        while cursor.peek() and cursor.peek() != "comment" and not cursor.peek().startswith("#"):
            cursor.take()
        words = cursor.since(start)
        draft.columns["target"] = _answer(words) if action == "reject" else words


def _answer(words: str) -> str:
    """Return how a reject answers, as iptables names it: `tcp reset` is `tcp-reset`."""
    return "-".join(word for word in words.split() if word not in ("with", "type"))


def _condition(cursor: Cursor, draft: Draft, sets: Sets) -> None:
    """Take one condition; one of unknown form reaches up to the next statement that is none."""
    start = cursor.at
    compared = _joined_fields(cursor) or _compared(cursor)
    if compared and cursor.peek() not in (".", "set"):
        operators, operand = _comparison(cursor)
        if operand:
            _imply(draft, compared)
            printed = with_elements(cursor.since(start), operand, sets)
            if operators == ["vmap"]:
                draft.conditions.append(printed)
                draft.columns["action"] = "vmap"
            elif compared in _PORTS and (reach := _reach(operators, operand)):
                _restrict(draft, compared, False, [reach], printed)
            elif operators not in ([], ["=="], ["!="], ["!"]):
                draft.conditions.append(printed)
            else:
                _restrict(draft, compared, bool({"!=", "!"} & set(operators)), members_of(operand, sets), printed)
            return
    if compared and cursor.peek() == "set" and (cursor.peek(2) in _STARTS or not cursor.peek(2)) and cursor.peek(1):
        cursor.at += 2
        draft.remarks.append(cursor.since(start))
        return
    cursor.at = start + 1
    while cursor.peek() and cursor.peek() not in _STARTS:
        cursor.take()
    vmap = "vmap" in cursor.words[start : cursor.at]
    draft.conditions.append(with_elements(cursor.since(start), cursor.words[cursor.at - 1], sets))
    if vmap:
        draft.columns["action"] = "vmap"


def _compared(cursor: Cursor) -> str:
    """Take what is compared, such as `ip saddr` or `iifname`; empty where it is of unknown form."""
    first, second = cursor.peek(), cursor.peek(1)
    if first == "meta" and second in _META:
        cursor.at += 2
        return second
    if first in _BARE:
        cursor.at += 1
        return first
    if second in _FIELDS.get(first, ()):
        cursor.at += 2
        return f"{first} {second}"
    return ""


def _joined_fields(cursor: Cursor) -> str:
    """Take fields that are compared together, `ip saddr . tcp dport`; empty where it is one alone."""
    start = cursor.at
    while _compared(cursor) and cursor.peek() == ".":
        cursor.take()
    joined = cursor.since(start)
    if " . " in joined and not joined.endswith("."):
        return joined
    cursor.at = start
    return ""


def _comparison(cursor: Cursor) -> tuple[list[str], str]:
    """Take operators and operands; return the operators and the last operand, empty where it is missing."""
    operators: list[str] = []
    operand = ""
    if cursor.peek() == "vmap":
        operators.append(cursor.take())
    while cursor.peek() in _OPERATORS:
        operators.append(cursor.take())
    while cursor.peek() and cursor.peek() not in _STARTS:
        operand = cursor.take()
        if cursor.peek() not in _OPERATORS:
            break
        while cursor.peek() in _OPERATORS:
            operators.append(cursor.take())
        operand = ""
    return operators, operand


def _reach(operators: list[str], operand: str) -> str:
    """Return the ports above or below one, `<= 21` is `0-21`; empty where it is no such comparison."""
    port = whole_number(operand)
    if port is None or len(operators) != 1:
        return ""
    reaches = {"<": f"0-{port - 1}", "<=": f"0-{port}", ">": f"{port + 1}-65535", ">=": f"{port}-65535"}
    return reaches.get(operators[0], "")


def _restrict(draft: Draft, compared: str, negated: bool, members: list[str] | None, printed: str) -> None:
    """Put what a condition asks for into its columns, or keep it as it stands."""
    if members is None:
        draft.conditions.append(printed)
    elif compared in _NETWORKS:
        column, family = _NETWORKS[compared]
        if _narrow(draft, family, printed):
            draft.put(column, values.networks(members), printed, negated=negated)
    elif compared in _PORTS:
        column, protocol = _PORTS[compared]
        known = draft.columns.get("transport") or protocol
        if protocol and known != protocol:
            draft.conditions.append(printed)
        else:
            draft.columns["transport"] = known
            draft.put(column, values.ports(members, "-", negated), printed)
    elif compared in _INTERFACES:
        names = [member.strip('"') for member in members]
        draft.put(_INTERFACES[compared], values.interfaces(names), printed, negated=negated)
    elif compared in _PROTOCOLS:
        if compared in _OF_FAMILY and not _narrow(draft, _OF_FAMILY[compared], printed):
            return
        names = [values.transport(member) or "" for member in members]
        draft.put("transport", ",".join(names) if names and all(names) else None, printed, negated=negated)
    elif compared == "ct state":
        draft.put("states", None if negated else values.states(",".join(members)), printed)
    elif compared in ("nfproto", "protocol") and not negated and len(members) == 1 and members[0] in _FAMILIES:
        _narrow(draft, _FAMILIES[members[0]], printed)
    else:
        draft.conditions.append(printed)


def _narrow(draft: Draft, family: str, printed: str) -> bool:
    """Take note that a rule is of one family; a second one is a condition."""
    if draft.columns.setdefault("family", family) == family:
        return True
    draft.conditions.append(printed)
    return False


def _imply(draft: Draft, compared: str) -> None:
    """What only one protocol has asks for that protocol too."""
    protocol = compared.partition(" ")[0]
    if protocol in ("icmp", "icmpv6", "tcp", "udp", "sctp", "dccp") and not draft.columns.get("transport"):
        draft.columns["transport"] = protocol
