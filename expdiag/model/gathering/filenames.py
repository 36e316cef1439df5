"""What the name of a file tells: its container, the export it belongs to, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

# xconf_dump_e1_2026-05-01_12:00:00.xml
_DUMP = re.compile(
    r"^(?:loggingsnapshot|xconf_dump|xstat_dump|ca|server|client|eth\d+_diagnostic_logging_tcpdump\w*?)_ ?"
    r"(?P<host>[^_].*?)(?:_(?P<time>(?:19|20)\d\d(?:\D.*?|\d{4}.*?)?))?\.(?:txt|xml|pem|pcap|pcapng|json|log)$",
    re.I,
)
_ROLE = re.compile(r"(?:ca|server|client)(?![A-Za-z])", re.I)
_REST_ROOTS = ("provisioning", "status", "management", "api")


def container(name: str) -> str:
    """Return the archive or folder a file lies in; the folders of an endpoint's path belong to the file."""
    inside = folder(name)
    if name.lower().endswith(".json"):
        if rest_folder(name):
            return "/".join(inside.parts[: _rest_place(inside.parts) + 2])
        root = next((place for place, part in enumerate(inside.parts) if part.lower() in _REST_ROOTS), None)
        return "/".join(inside.parts[:root]) or "."
    return str(inside)


def folder(name: str) -> PurePosixPath:
    """Return the folder or archive a file lies in."""
    return PurePosixPath(_plain(name).replace("!", "/")).parent


def rest_folder(name: str) -> str:
    """Return what `rest/<peer>/` calls the peer, empty where a file lies elsewhere."""
    parts = PurePosixPath(_plain(name).replace("!", "/")).parts
    if "rest" not in (part.lower() for part in parts[:-2]):
        return ""
    peer = parts[_rest_place(parts) + 1]
    return "" if peer.lower() in _REST_ROOTS else peer


def host(name: str) -> str:
    """Return the host in the name of a dump, `xconf_dump_e1_2026-05-01_12:00:00.xml`; empty in other names."""
    dump = _DUMP.match(_base(name))
    return dump["host"] if dump else ""


def role(name: str) -> str:
    """Return which of the files of an export this is, by the beginning of its name; empty where that does not tell."""
    word = _ROLE.match(_base(name))
    return word[0].lower() if word else ""


def generation(name: str) -> tuple[str, str]:
    """Return what tells a file of one export from those of another: its container, and the time in its name."""
    dump = _DUMP.match(_base(name))
    return container(name), (dump["time"] or "") if dump else ""


def _base(name: str) -> str:
    return PurePosixPath(name.replace("!", "/")).name


def _rest_place(parts: Sequence[str]) -> int:
    return [part.lower() for part in parts].index("rest")


def _plain(name: str) -> str:
    """Return a name without the gz around a single file: `dump.txt.gz!dump.txt` lies where `dump.txt` would."""
    outer, parted, inner = name.rpartition("!")
    return outer.removesuffix(".gz") if parted and outer.endswith(f"{inner}.gz") else name
