"""Rows of TLS handshakes and of the certificates they showed."""

from __future__ import annotations

import warnings

from expdiag.intake.capture import services
from expdiag.intake.capture.connections import Connection
from expdiag.intake.capture.headers import text
from expdiag.intake.capture.hellos import cipher_name, version_name
from expdiag.intake.capture.stamps import between, moment
from expdiag.intake.capture.tls import Handshake, Side, Store
from expdiag.intake.certificates import row_of
from expdiag.intake.reading import Harvest
from expdiag.tables import Certificate, TlsHandshake


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
    """The certificates rows were already made of; each is decoded once, whoever presents it."""

    def __init__(self, store: Store, harvest: Harvest) -> None:
        self._store = store
        self._harvest = harvest
        self._decoded: dict[str, Certificate | None] = {}
        self._seen: set[tuple[str, tuple[str, ...]]] = set()

    def add(self, who: str, how: str, side: Side) -> None:
        """Add the certificates of one side of a handshake, unless this address has shown them before."""
        if not side.certificates or (who, side.certificates) in self._seen:
            return
        self._seen.add((who, side.certificates))
        rows = [self._decode(fingerprint, side) for fingerprint in side.certificates]
        for position, row in enumerate(rows, start=1):
            if row is None:
                continue
            words = (
                f"certificate {position} of {who} {how}: subject {row.subject}; valid {row.not_before:%Y-%m-%d} to "
                f"{row.not_after:%Y-%m-%d}; issuer {row.issuer}"
            )
            source = self._harvest.note_packet(side.certificates_number, words)
            self._harvest.add(row._replace(position=position, issued_by=_issuer(row, rows), source=source))

    def _decode(self, fingerprint: str, side: Side) -> Certificate | None:
        if fingerprint not in self._decoded:
            self._decoded[fingerprint] = self._row(fingerprint, side)
        return self._decoded[fingerprint]

    def _row(self, fingerprint: str, side: Side) -> Certificate | None:
        from cryptography import x509

        place = f"packet {side.certificates_number}"
        der = self._store.certificates.get(fingerprint)
        if der is None:
            self._harvest.issue("too-many", f"{place}: a certificate beyond the room for certificates is not kept")
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # old but usable certificates
                return row_of(x509.load_der_x509_certificate(der), "presented", 1, 0)
        except Exception as error:  # the library has many, for bytes that are anything
            self._harvest.issue("broken", f"{place}: not a certificate that can be decoded: {error}")
            return None


def _issuer(row: Certificate, rows: list[Certificate | None]) -> int | None:
    """Return the position of a certificate's issuer among those sent with it."""
    if row.self_signed:
        return None
    return next((at for at, other in enumerate(rows, start=1) if other and other.subject == row.issuer), None)
