"""What a capture proves of paths: connections as rows, round trips by pairs of addresses, and what is reachable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from expdiag import statistics
from expdiag.intake.capture import services
from expdiag.intake.capture.connection import Connection
from expdiag.intake.capture.exchanges import Exchange
from expdiag.intake.capture.headers import TCP, UDP, Address, text
from expdiag.intake.capture.icmp import Error
from expdiag.intake.capture.stamps import moment
from expdiag.intake.capture.stream import NO_TIME
from expdiag.intake.capture.tcp import Key
from expdiag.intake.capture.tls import Handshake
from expdiag.intake.reading import Harvest
from expdiag.tables import Connection as ConnectionRow
from expdiag.tables import Reachability, RoundTrip

_INITIAL_TTLS = (64, 128, 255)


class Tried(NamedTuple):
    """One place that tried one port of another."""

    client: Address
    server: Address
    protocol: int
    port: int


@dataclass(slots=True)
class Proof:
    """How often something was seen, and what shows it first."""

    number: int
    time: int
    words: str
    said_by: str = ""
    rtt: float | None = None
    count: int = 1


class Answer(NamedTuple):
    """A measured round trip in milliseconds: the packet that began it, when, and its words."""

    number: int
    time: int
    rtt: float


@dataclass(slots=True)
class Run:
    """All round trips of one kind between two addresses."""

    sent: int = 0
    answered: int = 0
    answers: list[Answer] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)


class Paths:
    """Gathers proofs and round trips, then writes them as rows."""

    def __init__(self, harvest: Harvest, end: int) -> None:
        self._harvest = harvest
        self._end = end
        self._proofs: dict[tuple[Tried, str], Proof] = {}
        self._runs: dict[tuple[str, Address, Address], Run] = {}

    def add_connections(self, connections: Sequence[Connection], errors: Iterable[Error]) -> None:
        """Put connections into the harvest, and take what they prove."""
        blamed = _blame(errors)
        answering = {_tried(connection.key) for connection in connections if connection.syn_ack}
        for connection in connections:
            outcome, said_by = _judge(connection, blamed.get(connection.key), self._end)
            self._harvest.add(_row(connection, outcome, said_by, self._harvest))
            self._prove_connection(connection, outcome)
            if connection.syn and _tried(connection.key) in answering and outcome != "cut":
                self._measure_connection(connection)
            if connection.handshake and connection.handshake.client_hello:
                self._measure_handshake(connection, connection.handshake)

    def add_errors(self, errors: Iterable[Error]) -> None:
        """Take what ICMP errors prove of ports a cluster uses."""
        for error in errors:
            state, quoted = error.meaning.get("state"), error.quoted
            if not state or not quoted or quoted.port is None:
                continue
            known = {TCP: "tcp", UDP: "udp"}.get(quoted.protocol)
            if known and services.ports(known)[quoted.port]:
                tried = Tried(quoted.client, quoted.server, quoted.protocol, quoted.port)
                proof = Proof(error.number, error.time, error.message, text(error.said_by))
                self._prove(tried, state, proof)

    def add_exchanges(self, method: str, exchanges: Sequence[Exchange], port: int | None) -> None:
        """Take the round trips of questions and answers that were captured where they were asked.

        An answer is a proof wherever it was captured; a round trip is whole only beside the one who asks.
        """
        runs: dict[tuple[Address, Address], list[Exchange]] = {}
        for exchange in exchanges:
            if exchange.asked:
                runs.setdefault((exchange.client, exchange.server), []).append(exchange)
        for (client, server), found in runs.items():
            answered = [exchange for exchange in found if exchange.answered]
            if port and answered:
                first = answered[0]
                proof = Proof(first.first.number, first.first.time, f"{method} answered", rtt=None, count=len(answered))
                self._prove(Tried(client, server, UDP, port), "open", proof)
            if _asked_here(found):
                counted = [exchange for exchange in found if exchange.outcome(self._end) != "cut"]
                run = self._runs.setdefault((method, client, server), Run(ports={port} if port else set()))
                run.sent += sum(exchange.requests for exchange in counted)
                run.answered += len(answered)
                run.answers += [
                    Answer(exchange.first.number, exchange.first.time, rtt)
                    for exchange in answered
                    if (rtt := exchange.rtt) is not None
                ]

    def add_rows(self, complete: bool) -> None:
        """Put round trips and reachability into the harvest."""
        for (method, client, server), run in self._runs.items():
            if run.answers:
                self._harvest.add(_round_trip(method, text(client), text(server), run, complete, self._harvest))
        for (tried, state), proof in self._proofs.items():
            self._harvest.add(_reachability(tried, state, proof, self._harvest))

    def _prove_connection(self, connection: Connection, outcome: str) -> None:
        tried, proof = _tried(connection.key), None
        if connection.syn and connection.syn_ack:
            words = "SYN answered by SYN-ACK"
            proof = "open", Proof(connection.syn_ack.number, connection.syn_ack.time, words, rtt=connection.rtt)
        elif outcome == "refused" and connection.reset:
            words, said_by = f"SYN answered by reset, TTL {connection.reset.ttl}", text(connection.key.server)
            proof = "refused", Proof(connection.reset.number, connection.reset.time, words, said_by)
        elif outcome == "no-answer" and connection.syn and connection.syn.sent > 1:
            words = f"{connection.syn.sent} SYNs without any answer"
            proof = "filtered", Proof(connection.syn.number, connection.syn.time, words)
        if proof:
            self._prove(tried, *proof)

    def _prove(self, tried: Tried, state: str, proof: Proof) -> None:
        known = self._proofs.setdefault((tried, state), proof)
        if known is not proof:
            known.count += proof.count
            known.rtt = proof.rtt if known.rtt is None else known.rtt

    def _measure_handshake(self, connection: Connection, handshake: Handshake) -> None:
        key, answered = connection.key, handshake.answer_time != NO_TIME
        if not answered and self._end - handshake.asked_time < services.patience():
            return
        run = self._runs.setdefault(("tls", key.client, key.server), Run())
        run.sent += 1
        run.answered += answered
        run.ports.add(key.port)
        if (rtt := connection.tls_rtt) is not None:
            run.answers.append(Answer(handshake.number, handshake.asked_time, rtt))

    def _measure_connection(self, connection: Connection) -> None:
        assert connection.syn is not None
        key = connection.key
        run = self._runs.setdefault(("tcp-syn", key.client, key.server), Run())
        run.sent += connection.syn.sent
        run.ports.add(key.port)
        if connection.syn_ack:
            run.answered += 1
            if (rtt := connection.rtt) is not None:
                run.answers.append(Answer(connection.syn.number, connection.syn.time, rtt))


def _tried(key: Key) -> Tried:
    return Tried(key.client, key.server, TCP, key.port)


def _blame(errors: Iterable[Error]) -> dict[Key, Error]:
    """Return, by the connection it is about, the first ICMP error that explains why there was no answer."""
    blamed: dict[Key, Error] = {}
    for error in errors:
        quoted = error.quoted
        if quoted and quoted.protocol == TCP and quoted.port is not None and error.meaning.get("state"):
            blamed.setdefault(Key(quoted.server, quoted.port, quoted.client, quoted.client_port or 0), error)
    return blamed


def _judge(connection: Connection, error: Error | None, end: int) -> tuple[str, str]:
    """Return what became of a connection, and who refused or prohibited it."""
    outcome = connection.outcome(end)
    if outcome in ("no-answer", "cut") and error:
        return error.meaning["state"], text(error.said_by)
    return outcome, text(connection.key.server) if outcome == "refused" else ""


def _asked_here(exchanges: Sequence[Exchange]) -> bool:
    """Whether the capture stood beside the one who asks, so that it shows the whole round trip.

    Nothing between has lowered the TTL of the questions, and the answers did not come from the capturing machine.
    """
    first = exchanges[0].first
    rtts = [rtt for exchange in exchanges if (rtt := exchange.rtt) is not None]
    own = services.facts()["patience"]["own_answer_ms"]
    return first.ttl in _INITIAL_TTLS and bool(rtts) and statistics.median(rtts) > own


def _row(connection: Connection, outcome: str, said_by: str, harvest: Harvest) -> ConnectionRow:
    key, syn, syn_ack, reset = connection.key, connection.syn, connection.syn_ack, connection.reset
    client, server = text(key.client), text(key.server)
    kind = "SYN" if syn else "first packet"
    number = syn.number if syn else connection.number
    return ConnectionRow(
        client=client,
        client_port=key.client_port,
        server=server,
        port=key.port,
        outcome=outcome,
        said_by=said_by,
        syn_time=moment(syn.time) if syn else None,
        syn_ack_time=moment(syn_ack.time) if syn_ack else None,
        ack_time=moment(connection.ack_time),
        far_half=connection.far_half,
        near_half=connection.near_half,
        rtt=connection.rtt,
        syns=syn.sent if syn else 0,
        syn_acks=syn_ack.sent if syn_ack else 0,
        retransmissions_to_server=connection.to_server.repeated,
        retransmissions_to_client=connection.to_client.repeated,
        reset_by=("server" if reset.by_server else "client") if reset else "",
        reset_ttl=reset.ttl if reset else None,
        closed=bool(reset or connection.fins),
        client_isn=syn.sequence if syn else None,
        server_isn=syn_ack.sequence if syn_ack else None,
        client_mss=syn.mss if syn else None,
        server_mss=syn_ack.mss if syn_ack else None,
        client_ttl=connection.to_server.ttl,
        server_ttl=connection.to_client.ttl,
        packets_to_server=connection.to_server.packets,
        packets_to_client=connection.to_client.packets,
        bytes_to_server=connection.to_server.bytes,
        bytes_to_client=connection.to_client.bytes,
        first_time=moment(connection.first_time),
        last_time=moment(connection.last_time),
        source=harvest.note_packet(number, f"{client}:{key.client_port} > {server}:{key.port} {kind}"),
    )


def _round_trip(method: str, client: str, server: str, run: Run, complete: bool, harvest: Harvest) -> RoundTrip:
    answers = sorted(run.answers, key=lambda answer: answer.time)
    rtts = [answer.rtt for answer in answers]
    p95 = statistics.settled_p95(enumerate(rtts, start=1))
    sources = {
        answer: harvest.note_packet(answer.number, f"{client} > {server} {method}, {answer.rtt:.3f} ms to the answer")
        for answer in (answers[0], next(answer for answer in answers if answer.rtt == p95))
    }
    low, high = statistics.wilson(run.sent - run.answered, run.sent) if run.sent else (None, None)
    times = [time for answer in answers if (time := moment(answer.time))]
    return RoundTrip(
        vantage=client,
        target=server,
        address=server,
        method=method,
        tool="capture",
        port=min(run.ports) if len(run.ports) == 1 else None,
        sent=run.sent,
        answered=run.answered,
        loss=(run.sent - run.answered) / run.sent if run.sent else None,
        loss_low=low,
        loss_high=high,
        min=min(rtts),
        median=statistics.median(rtts),
        p95=p95,
        max=max(rtts),
        mean=sum(rtts) / len(rtts),
        deviation=None,
        jitter=statistics.jitter(rtts),
        first_time=min(times, default=None),
        last_time=max(times, default=None),
        complete=complete,
        p95_line=list(sources.values())[-1],
        source=sources[answers[0]],
    )


def _reachability(tried: Tried, state: str, proof: Proof, harvest: Harvest) -> Reachability:
    client, server = text(tried.client), text(tried.server)
    transport = services.transport(tried.protocol)
    often = f", {proof.count} times" if proof.count > 1 else ""
    return Reachability(
        vantage=client,
        target=server,
        address=server,
        port=tried.port,
        transport=transport,
        state=state,
        said_by=proof.said_by,
        tool="capture",
        rtt=proof.rtt,
        time=moment(proof.time) if proof.time != NO_TIME else None,
        detail=f"{proof.words}{often}",
        source=harvest.note_packet(proof.number, f"{client} > {server} {transport} {tried.port}: {proof.words}"),
    )
