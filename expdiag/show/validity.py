"""When the certificates of the peers are valid, as bars against the time of the case."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from expdiag.case import Case
from expdiag.findings import VIOLATION, Finding
from expdiag.model.certificates import presented
from expdiag.model.certificates.presented import Presented
from expdiag.model.cluster import Cluster
from expdiag.model.history.timeline import EARLIEST
from expdiag.model.peers import Peer
from expdiag.rules.basic.certificates import EXPIRED_ALARM, EXPIRING_ALARM, up
from expdiag.show.layout import clipped, extent, plain, wrapped
from expdiag.show.style import COLOURS, INK, PAPER, Picture, picture
from expdiag.show.ticks import SIZE, moved, ticks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

VALID, SOON, EXPIRED, EARLY, MISSING, BROKEN, UNDATED = STATES = (
    *("valid", "expires soon", "expired", "not yet valid"),
    *("not in the case", "its dates cannot be decoded", "the time of the case is not known"),
)
_SOON = timedelta(days=30)
_FAR = timedelta(days=3 * 365)  # further from the time of the case bars are cut
_FACES = {VALID: ("#BFDDEE", ""), SOON: ("#F7E08B", ".."), EXPIRED: ("#F2B48A", "//"), EARLY: ("#DDDDDD", "\\\\")}
_PLAIN = ("#E4E4E4", "")
_AXIS, _PAD, _BAR = 4.4, 0.1, 0.17  # in
_TEXT = 8.5


class Validity(NamedTuple):
    """One certificate a peer presents.

    Attributes:
        roles: `server and client`; with the words that it was seen in a handshake only.
        days_left: whole days from the time of the case to its end, negative where it has expired.
        state: one of `STATES`.
        outcome: what R19 says of the peer; None where it says nothing.
    """

    peer: str
    roles: str
    valid_from: datetime | None
    valid_to: datetime | None
    days_left: int | None
    state: str
    outcome: str | None

    @property
    def words(self) -> str:
        """What the bar shows, in words, in one or two lines."""
        form = "%Y-%m-%d %H:%M" if self.days_left in (0, -1) else "%Y-%m-%d"
        start, end = (f"{time:{form}}" if time else "?" for time in (self.valid_from, self.valid_to))
        days = self.days_left or 0
        return {
            SOON: f"expires soon, on {end}" + (f"\nin {days} day{'s' * (days != 1)}" if days > 0 else ""),
            EXPIRED: f"expired on {end}",
            EARLY: f"not valid before {start}",
            MISSING: MISSING,
            BROKEN: BROKEN,
        }.get(self.state, f"valid to {end}")

    @property
    def label(self) -> str:
        """Whose certificate it is and what for, in lines."""
        judged = " (R19 violated)" if self.outcome == VIOLATION else ""
        return f"{wrapped(clipped(self.peer, 88) + judged, 26)}\n{wrapped(self.roles, 26)}".strip()


def certificates(case: Case) -> list[Validity]:
    """Return what each peer presents, peers in order; one without a certificate in the case has a row that says so."""
    judged = {f.subject.peers: f for f in case.findings if f.requirement.number == "R19"}
    return [row for peer in case.cluster.peers for row in _of_peer(case.cluster, peer, judged.get((peer.name,)))]


def validity_table(case: Case) -> pd.DataFrame:
    """Return the certificates the peers present: roles, validity, days left at the time of the case, and state."""
    from expdiag.tables.shown import ShownFrame

    columns = ["peer", "roles", "valid_from", "valid_to", "days_left", "state", "R19"]
    table = ShownFrame(certificates(case), columns=columns)
    return table.astype({"valid_from": "object", "valid_to": "object", "days_left": "Int64"})


def has_certificates(case: Case) -> bool:
    """Whether any certificate of a peer is in the case."""
    return any(row.state != MISSING for row in certificates(case))


def _of_peer(cluster: Cluster, peer: Peer, finding: Finding | None) -> Iterator[Validity]:
    outcome = finding.outcome if finding else None
    found = presented.in_use(cluster, peer)
    for each in found:
        own = each.certificate
        left = (own.not_after - cluster.as_of).days if own.not_after and cluster.as_of else None
        state = _state(cluster, peer, each)
        yield Validity(peer.name, _roles(each), own.not_before, own.not_after, left, state, outcome)
    if not found:
        yield Validity(peer.name, "", None, None, None, MISSING, outcome)


def _roles(each: Presented) -> str:
    return " and ".join(each.roles) + (", seen in a handshake" if each.seen else "")


def _state(cluster: Cluster, peer: Peer, each: Presented) -> str:
    start, end, now = each.certificate.not_before, each.certificate.not_after, cluster.as_of
    if start is None or end is None:
        return BROKEN
    if now is None:
        return UNDATED
    if end < now:
        return EXPIRED
    if start > now:
        return EARLY
    says_so = any(up(peer, number) for number in (EXPIRING_ALARM, EXPIRED_ALARM)) and "server" in each.roles
    return SOON if end - now <= _SOON or says_so else VALID


def validity_picture(case: Case) -> Picture:
    """Draw `validity_table`: a bar a certificate, the time of the case as a line, what is wrong by hatch and words."""
    rows, now = certificates(case), case.as_of
    start, end = _axis(rows, now)
    names = [row.label for row in rows]
    words = [row.words for row in rows]
    heights = [
        max(extent(name, _TEXT)[1], extent(said, _TEXT)[1], _BAR) + _PAD
        for name, said in zip(names, words, strict=True)
    ]
    left = max([extent(name, _TEXT)[0] for name in names], default=0.0) + 0.25
    right = max([extent(said, _TEXT, "bold")[0] for said in words], default=0.0) + 0.25
    above, below = 0.62, 0.34
    width, height = left + _AXIS + right, above + sum(heights) + below
    with picture(width, height, arranged=False) as drawn:
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.text(0.1, 0.1, "Validity of the certificates the peers present", ha="left", va="top", fontsize=9.5)
        bottom = above + sum(heights)
        _scale(axes, (start, end), left, (above, bottom))
        for row, name, said, middle in zip(rows, names, words, _middles(above, heights), strict=True):
            axes.text(left - 0.1, middle, plain(name), ha="right", va="center", fontsize=_TEXT)
            weight = "normal" if row.state == VALID else "bold"
            axes.text(left + _AXIS + 0.1, middle, plain(said), ha="left", va="center", fontsize=_TEXT, weight=weight)
            _bar(axes, row, (start, end), left, middle)
        if now:
            _now(axes, now, left + _AXIS * _share(now, start, end), (above, bottom))
    return drawn


def _middles(top: float, heights: list[float]) -> list[float]:
    tops = accumulate(heights, initial=top)
    return [y + height / 2 for y, height in zip(tops, heights, strict=False)]


def _axis(rows: list[Validity], now: datetime | None) -> tuple[datetime, datetime]:
    """Return the first and last moment that is drawn: all of the bars, but no more than some years around the case."""
    times = [time for row in rows for time in (row.valid_from, row.valid_to) if time]
    middle = now or min((row.valid_to for row in rows if row.valid_to), default=None) or EARLIEST + 2 * _FAR
    first, last = moved(middle, -_FAR), moved(middle, _FAR)
    shown = [min(max(time, first), last) for time in (*times, middle)]
    margin = max((max(shown) - min(shown)) / 25, timedelta(days=1))
    return moved(min(shown), -margin), moved(max(shown), margin)


def _share(time: datetime, start: datetime, end: datetime) -> float:
    return min(max((time - start) / (end - start), 0.0), 1.0)


def _scale(axes: Axes, span: tuple[datetime, datetime], left: float, down: tuple[float, float]) -> None:
    for share, label in ticks(*span, _AXIS):
        x = left + share * _AXIS
        axes.plot([x, x], down, color="#DADADA", linewidth=0.7, zorder=0)
        axes.text(x, down[1] + 0.08, label, ha="center", va="top", fontsize=SIZE, color="#444444")


def _bar(axes: Axes, row: Validity, span: tuple[datetime, datetime], left: float, middle: float) -> None:
    from matplotlib.patches import Rectangle

    if row.valid_from is None or row.valid_to is None:
        return
    face, hatch = _FACES.get(row.state, _PLAIN)
    x, end = (left + _AXIS * _share(time, *span) for time in (row.valid_from, row.valid_to))
    colour = COLOURS[VIOLATION] if row.state == EXPIRED else "#555555"
    axes.add_artist(
        Rectangle(
            (x, middle - _BAR / 2),
            max(end - x, 0.02),
            _BAR,
            facecolor=face,
            hatch=hatch,
            edgecolor=colour,
            linewidth=1.0,
        )
    )
    for time, at, mark in ((row.valid_from, x, "<"), (row.valid_to, end, ">")):
        if not span[0] <= time <= span[1]:
            axes.plot([at], [middle], mark, color=colour, markersize=5, clip_on=False)


def _now(axes: Axes, now: datetime, x: float, down: tuple[float, float]) -> None:
    axes.plot([x, x], [down[0] - 0.06, down[1]], color=INK, linewidth=1.3, linestyle=(0, (4, 2)), zorder=3)
    axes.text(
        x,
        down[0] - 0.08,
        f"case of {now:%Y-%m-%d}",
        ha="center",
        va="bottom",
        fontsize=SIZE,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"},
    )
