"""Rows of what two captures show together."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from expdiag.tables.schema import Column


class MatchedConnection(NamedTuple):
    """One TCP connection that two captures show, nearer to the client and nearer to the server.

    It is known by its initial sequence numbers, which address translation leaves as they are.
    """

    peer: Annotated[str | None, Column("peer whose capture is nearer to the client, where it is known")]
    far_peer: Annotated[str | None, Column("peer whose capture is nearer to the server, where it is known")]
    client: Annotated[str, Column("address of the client, as the nearer capture shows it")]
    server: Annotated[str, Column("address it called")]
    port: Annotated[int, Column("port it called")]
    client_there: Annotated[str, Column("address of the client, as the capture nearer to the server shows it")]
    server_there: Annotated[str, Column("address that was called there")]
    port_there: Annotated[int, Column("port that was called there")]
    translated: Annotated[bool, Column("an address or port differs: something translates between the two captures")]
    one_way: Annotated[
        float | None, Column("mean of both directions between the captures, whatever their clocks say", "ms")
    ]
    there: Annotated[float | None, Column("SYN from one capture to the other, as their clocks show it", "ms")]
    back: Annotated[float | None, Column("SYN-ACK from one capture to the other, as their clocks show it", "ms")]
    offset: Annotated[
        float | None, Column("clock of the far capture minus that of the near one, if both ways take as long", "ms")
    ]
    lost_there: Annotated[int | None, Column("packets to the server that passed only the near capture")]
    lost_back: Annotated[int | None, Column("packets to the client that passed only the far capture")]
    stalled: Annotated[
        bool, Column("after a good handshake large segments are sent again and do not arrive: a path MTU is too small")
    ]
    source: Annotated[int, Column("the connection in `connections`, as the capture nearer to the client shows it")]
    source_there: Annotated[int, Column("the same, as the capture nearer to the server shows it")]
