"""When a node got its type and when it joined, as its log tells."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import expdiag
from expdiag.model.history.joining import Joining, is_peer_list, is_type
from expdiag.tables import ConfigurationChange

TIME = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("item", "new", "type_", "listed"),
    [
        ("system type", "E", True, False),
        ("systemType type", "Expressway-C", True, False),
        ("service_setup type", "VCS Expressway", True, False),
        ("systemtype", None, True, False),
        ("zones zone 3 type", "E", False, False),
        ("system type", "Neighbor", False, False),
        ("alternatesConfiguration", None, False, True),
        ("alternates peer 2 address", "10.0.0.2", False, True),
        ("cluster peer_2_address", "10.0.0.2", False, True),
        ("cluster tls_verify", "Enforcing", False, False),
        ("", None, False, False),
    ],
)
def test_which_changes_count(item: str, new: str | None, type_: bool, listed: bool) -> None:
    change = ConfigurationChange(TIME, item, None, new, "", 0)

    assert (is_type(change), is_peer_list(change)) == (type_, listed)


def log(*records: tuple[int, str]) -> str:
    """Return a log with changes at some minutes."""
    return "".join(
        f'2026-05-01T08:{minute:02}:00.000+00:00 e3 httpd[1]: web: Event="System Configuration Changed" '
        f'Detail="{detail}" User="admin" Level="1" UTCTime="2026-05-01 08:{minute:02}:00" \n'
        for minute, detail in records
    )


TYPE, LIST = "configuration/system/type - changed from: 'C' to: 'E'", "xconfiguration alternatesConfiguration - Changed"
ADD = "configuration/alternates/peer_3 - changed from: '' to: '10.0.0.3'"
CLEAR = "configuration/alternates/peer_3 - changed from: '10.0.0.3' to: ''"


@pytest.mark.parametrize(
    ("records", "typed", "joined", "too_late"),
    [
        (((1, TYPE), (5, LIST), (9, LIST)), 1, 5, False),
        (((1, LIST), (5, TYPE)), 5, 1, True),
        (((1, ADD), (3, CLEAR), (5, TYPE), (7, ADD)), 5, 7, False),
        (((1, ADD), (5, TYPE), (7, ADD)), 5, 1, True),
        (((1, TYPE), (2, ADD), (5, TYPE)), 5, 2, True),
        (((1, TYPE),), 1, None, False),
        (((1, LIST),), None, 1, False),
        ((), None, None, False),
    ],
)
def test_the_order_that_a_log_tells(files, records, typed: int | None, joined: int | None, too_late: bool) -> None:
    name = '*c xConfiguration IP DNS Hostname: "e3"\n'
    cluster = expdiag.load(files({"e3/x.txt": name, "e3/l.txt": log(*records)})).cluster
    found = Joining.of(cluster, cluster.peers[0])

    def minute(change: ConfigurationChange | None) -> int | None:
        return change.time.minute if change and change.time else None

    assert (minute(found.typed), minute(found.joined), found.too_late) == (typed, joined, too_late)
