"""Name lookups: dig, host, nslookup, `Resolve-DnsName` and the Expressway's own page. A session may mix them."""

from __future__ import annotations

from typing import Protocol

from expdiag.intake.member import Member
from expdiag.intake.names import dig, expressway, failures, host, nslookup, powershell, short, yaml
from expdiag.intake.names.commands import command, runs_a_tool
from expdiag.intake.names.session import Session
from expdiag.intake.prompts import prompt
from expdiag.intake.reading import Harvest, Reader, lines

_LOOKS = tuple(tool.looks_like for tool in (failures, dig, host, nslookup, powershell, expressway, yaml))


class Tool(Protocol):
    """One tool's way to print; `take` returns whether a line is its own."""

    def take(self, number: int, line: str) -> bool: ...  # noqa: D102

    def settle(self) -> None: ...  # noqa: D102

    def close(self) -> None: ...  # noqa: D102


def _claims(first: list[str]) -> int:
    stripped = [line.rstrip() for line in first]
    own = sum(1 for line in stripped if _is_own(line))
    if own:
        return own
    words = [line for line in stripped if line]
    return int(bool(words) and all(short.looks_like(line) for line in words))


def _is_own(line: str) -> bool:
    asked = prompt(line)
    return any(look(line) for look in _LOOKS) or bool(asked and runs_a_tool(asked.command))


def _read(member: Member, harvest: Harvest) -> None:
    session = Session(harvest)
    tools: list[Tool] = [
        dig.Dig(session),
        yaml.Yaml(session),
        host.Host(session),
        powershell.ResolveDnsName(session),
        expressway.LookupPage(session),
        nslookup.Nslookup(session),
        short.Short(session),
    ]
    active: Tool | None = None
    for number, raw in lines(member, harvest):
        line = raw.rstrip()
        if not line:
            if active:
                active.take(number, "")
            continue
        taken, active = _take(session, tools, active, number, line)
        if not taken:
            session.unread = True
            harvest.issue("unrecognised", line, number)
    if active:
        active.close()
    session.end(of_file=True)


def _take(session: Session, tools: list[Tool], active: Tool | None, number: int, line: str) -> tuple[bool, Tool | None]:
    """Give a line to who takes it, the tool that spoke last first; return whether anybody did, and who speaks now."""
    if not host.looks_like(line) and (prompt(f"{line} ") or command(line)):
        if active:
            active.close()
        return session.prompt(number, line), None
    if failures.take(session, number, line):
        return True, active
    if active and active.take(number, line):
        return True, active
    if active:
        active.settle()
    for tool in tools:
        if tool is not active and tool.take(number, line):
            if active:
                active.close()
            return True, tool
    return False, active


READER = Reader("name lookups", _claims, _read)
