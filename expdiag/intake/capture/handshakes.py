"""Rows of TLS handshakes and of the certificates they showed."""

from __future__ import annotations

from expdiag.intake.capture import services
from expdiag.intake.capture.connection import Connection
from expdiag.intake.capture.headers import text
from expdiag.intake.capture.hellos import cipher_name, version_name
from expdiag.intake.capture.stamps import between, moment
from expdiag.intake.capture.tls import Handshake, Side, Store
from expdiag.intake.certificates import from_der
from expdiag.intake.reading import Harvest
from expdiag.tables import TlsHandshake


def add_rows(connections: list[Connection], store: Store, harvest: Harvest, end: int) -> None:
    """Put the handshakes and, once for each address that presents them, the certificates into the harvest."""
    presented = _Presented(store, harvest)
    for connection in connections:
        handshake = connection.handshake
        if handshake is None or not (handshake.number or handshake.server_hello):
            continue
        harvest.add(_row(connection, handshake, harvest, end))
        key = connection.key
        presented.add(text(key.server), f"as server on {key.port}", handshake.server)
        presented.add(text(key.client), "as client", handshake.client)


def _row(connection: Connection, handshake: Handshake, harvest: Harvest, end: int) -> TlsHandshake:
    key = connection.key
    client, server = text(key.client), text(key.server)
    hello, answer = handshake.client_hello, handshake.server_hello
    asked = f" for {hello.server_name}" if hello and hello.server_name else ""
    number = handshake.number or connection.number
    words = f"{client}:{key.client_port} > {server}:{key.port} TLS ClientHello{asked}"
    return TlsHandshake(
        vantage=client,
        client=client,
        server=server,
        port=key.port,
        server_name=hello.server_name if hello else "",
        offered=version_name(hello.version) if hello else "",
        version=version_name(answer.version) if answer else "",
        cipher=cipher_name(answer.cipher) if answer else "",
        outcome=_outcome(connection, handshake, end),
        alert=handshake.alert,
        alert_from=handshake.alert_from,
        verify_code=None,
        verify_text="",
        client_certificate=handshake.client_certificate,
        server_certificates=handshake.server.certificates,
        client_certificates=handshake.client.certificates,
        duration=between(handshake.first_time, handshake.last_time) if handshake.number else None,
        time=moment(handshake.first_time),
        tool="capture",
        source=harvest.note_packet(number, words),
    )


def _outcome(connection: Connection, handshake: Handshake, end: int) -> str:
    if handshake.alert:
        return "alert"
    if handshake.completed:
        return "completed"
    if handshake.client.lost or handshake.server.lost:
        return "cut"
    if connection.reset:
        return "reset"
    if connection.fins:
        return "closed"
    silent = not connection.to_client.bytes and end - connection.last_time >= services.patience()
    return "no-answer" if silent else "cut"


class _Presented:
    """The certificates rows were already made of, whoever presents them."""

    def __init__(self, store: Store, harvest: Harvest) -> None:
        self._store = store
        self._harvest = harvest
        self._seen: set[tuple[str, tuple[str, ...]]] = set()

    def add(self, who: str, how: str, side: Side) -> None:
        """Add the certificates of one side of a handshake, unless this address has shown them before."""
        if not side.certificates or (who, side.certificates) in self._seen:
            return
        self._seen.add((who, side.certificates))
        sent = [self._store.certificates.get(fingerprint) for fingerprint in side.certificates]
        if None in sent:
            text = f"packet {side.certificates_number}: a certificate beyond the room for certificates is not kept"
            self._harvest.issue("too-many", text)
        kept = [der for der in sent if der is not None]
        from_der(kept, "presented", self._harvest, -side.certificates_number, about=f"{who} {how}: ")
