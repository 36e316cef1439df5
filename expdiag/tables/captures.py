"""Rows of packet captures. A row's source is the packet that shows it best, by the number Wireshark gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple

from expdiag.tables.schema import Column, SourceId


class Capture(NamedTuple):
    """One interface of one packet capture: what it covers, and what it leaves out."""

    vantage: Annotated[str, Column("where it was taken, as the case names it; empty where nothing tells")]
    format: Annotated[str, Column("`pcap` or `pcapng`")]
    interface: Annotated[str, Column("name of the interface; empty where the capture does not tell")]
    link_type: Annotated[str, Column("`Ethernet`, `Linux cooked v1`, …, else the number of the link type")]
    snap_length: Annotated[int | None, Column("bytes kept of a packet; missing where the capture sets no limit", "B")]
    filter: Annotated[str, Column("capture filter, empty where the capture does not tell")]
    packets: Annotated[int, Column("packets in the file")]
    cut_packets: Annotated[int, Column("of them shorter in the file than they were on the wire")]
    ip_packets: Annotated[int, Column("of them IPv4 or IPv6, which alone are looked into")]
    backward_steps: Annotated[int, Column("packets stamped earlier than the packet before them")]
    dropped: Annotated[int | None, Column("packets the capturing machine lost; missing where it does not tell")]
    first_time: Annotated[datetime | None, Column("oldest packet")]
    last_time: Annotated[datetime | None, Column("newest packet")]
    source: SourceId


class Connection(NamedTuple):
    """One TCP connection to a port that matters for a cluster.

    Wherever the capture stood, `far_half` and `near_half` add up to the round trip; their ratio says where it stood.
    """

    client: Annotated[str, Column("address that opened it, as far as the capture shows")]
    client_port: Annotated[int, Column("its port")]
    server: Annotated[str, Column("address that was called")]
    port: Annotated[int, Column("port that was called")]
    outcome: Annotated[
        str,
        Column(
            "`established`, `refused` (a reset answers), `no-answer`, `prohibited`, `unreachable` (an ICMP error "
            "answers), `half-open` (its handshake is not completed), `joined` (began before the capture), "
            "`cut` (the capture ends)"
        ),
    ]
    said_by: Annotated[str, Column("who refused or prohibited it; empty where nobody did")]
    syn_time: Annotated[datetime | None, Column("first SYN; missing where it is not in the capture")]
    syn_ack_time: Annotated[datetime | None, Column("first SYN-ACK; missing where it is not in the capture")]
    ack_time: Annotated[datetime | None, Column("first ACK of the SYN-ACK; missing where it is not in the capture")]
    far_half: Annotated[
        float | None, Column("SYN to SYN-ACK: the way to the server and back; missing where ambiguous", "ms")
    ]
    near_half: Annotated[
        float | None, Column("SYN-ACK to ACK: the way to the client and back; missing where ambiguous", "ms")
    ]
    rtt: Annotated[float | None, Column("both halves: the whole round trip", "ms")]
    syns: Annotated[int, Column("SYNs, each repetition counted")]
    syn_acks: Annotated[int, Column("SYN-ACKs, each repetition counted")]
    retransmissions_to_server: Annotated[int, Column("data segments that were sent to the server before")]
    retransmissions_to_client: Annotated[int, Column("data segments that were sent to the client before")]
    reset_by: Annotated[str, Column("`client` or `server`: whose address the first reset bears; empty without one")]
    reset_ttl: Annotated[int | None, Column("TTL of that reset: another than the server's means a device between")]
    closed: Annotated[bool, Column("a FIN or a reset is in the capture")]
    client_isn: Annotated[int | None, Column("initial sequence number of the client; the same wherever it is seen")]
    server_isn: Annotated[int | None, Column("initial sequence number of the server; the same wherever it is seen")]
    client_mss: Annotated[int | None, Column("MSS the client's SYN gives; missing where it gives none", "B")]
    server_mss: Annotated[int | None, Column("MSS the SYN-ACK gives; missing where it gives none", "B")]
    client_ttl: Annotated[int | None, Column("TTL or hop limit of the client's first packet")]
    server_ttl: Annotated[int | None, Column("TTL or hop limit of the server's first packet")]
    packets_to_server: Annotated[int, Column("packets to the server")]
    packets_to_client: Annotated[int, Column("packets to the client")]
    bytes_to_server: Annotated[int, Column("TCP payload to the server, as sent", "B")]
    bytes_to_client: Annotated[int, Column("TCP payload to the client, as sent", "B")]
    first_time: Annotated[datetime | None, Column("its first packet")]
    last_time: Annotated[datetime | None, Column("its last packet")]
    source: SourceId


class Echo(NamedTuple):
    """One ICMP or ICMPv6 echo request and its answer, each seen where the capture stood."""

    client: Annotated[str, Column("address that asked")]
    server: Annotated[str, Column("address that was asked")]
    identifier: Annotated[int, Column("identifier of the echo")]
    sequence: Annotated[int, Column("sequence number of the echo")]
    outcome: Annotated[
        str, Column("`answered`, `no-answer`, `cut` (the capture ends), or `answer-only` (the request is missing)")
    ]
    rtt: Annotated[
        float | None, Column("request to answer, measured where the capture stood; missing unless answered", "ms")
    ]
    request_ttl: Annotated[int | None, Column("TTL or hop limit of the request")]
    answer_ttl: Annotated[int | None, Column("TTL or hop limit of the answer")]
    requests: Annotated[int, Column("requests of this number, repetitions counted")]
    answers: Annotated[int, Column("answers of this number, repetitions counted")]
    time: Annotated[datetime | None, Column("when the request, else the answer, passed")]
    source: SourceId


class IcmpError(NamedTuple):
    """One ICMP error: who said what about which packet."""

    time: Annotated[datetime | None, Column("when it passed")]
    said_by: Annotated[str, Column("address that sent the error")]
    said_to: Annotated[str, Column("address it was sent to")]
    message: Annotated[str, Column("`administratively prohibited`, `port unreachable`, …, else type and code")]
    type: Annotated[int, Column("type of the message")]
    code: Annotated[int, Column("code of the message")]
    mtu: Annotated[int | None, Column("MTU of the next hop, where a packet was too big", "B")]
    client: Annotated[str, Column("sender of the packet it quotes; empty where it quotes none")]
    server: Annotated[str, Column("receiver of the packet it quotes; empty where it quotes none")]
    transport: Annotated[str, Column("transport of the packet it quotes; empty where it quotes none")]
    client_port: Annotated[int | None, Column("source port of the packet it quotes; missing where it has none")]
    port: Annotated[int | None, Column("destination port of the packet it quotes; missing where it has none")]
    source: SourceId


class Endpoint(NamedTuple):
    """All traffic between two addresses over one transport and one service port, both ways."""

    address: Annotated[str, Column("the end that offers the service; without a known one, the lower address")]
    far_address: Annotated[str, Column("the other end")]
    transport: Annotated[str, Column("`tcp`, `udp`, `icmp`, `esp`, …, else the number of the protocol")]
    port: Annotated[int | None, Column("port of the service at `address`; missing for ports no cluster uses")]
    packets_in: Annotated[int, Column("packets to `address`")]
    packets_out: Annotated[int, Column("packets from `address`")]
    bytes_in: Annotated[int, Column("bytes to `address`, IP headers counted, as sent", "B")]
    bytes_out: Annotated[int, Column("bytes from `address`, IP headers counted, as sent", "B")]
    first_time: Annotated[datetime | None, Column("first packet")]
    last_time: Annotated[datetime | None, Column("last packet")]
    source: SourceId


class RasExchange(NamedTuple):
    """One H.225 RAS request on UDP 1719 and what came of it."""

    client: Annotated[str, Column("address that asked")]
    server: Annotated[str, Column("address that was asked")]
    sequence: Annotated[int, Column("request sequence number")]
    request: Annotated[
        str, Column("`locationRequest`, `serviceControlIndication`, …; empty where only an answer is seen")
    ]
    answer: Annotated[
        str, Column("`locationConfirm`, `locationReject`, `serviceControlResponse`, …; empty without one")
    ]
    outcome: Annotated[
        str, Column("`confirmed`, `rejected`, `in-progress`, `no-answer`, `cut` (the capture ends) or `answer-only`")
    ]
    requests: Annotated[int, Column("requests of this number, repetitions counted")]
    rtt: Annotated[
        float | None,
        Column("request to answer, measured where the capture stood; missing where the request was repeated", "ms"),
    ]
    request_ttl: Annotated[int | None, Column("TTL or hop limit of the request")]
    time: Annotated[datetime | None, Column("when the request, else the answer, passed")]
    source: SourceId


class DnsMessage(NamedTuple):
    """One DNS question over UDP, with its answer where there is one."""

    client: Annotated[str, Column("address that asked")]
    server: Annotated[str, Column("resolver that was asked")]
    identifier: Annotated[int, Column("message id")]
    name: Annotated[str, Column("name that was asked for, absolute, lower case, without the last dot")]
    type: Annotated[str, Column("record type that was asked for, `SRV`")]
    status: Annotated[
        str, Column("`NOERROR`, `NXDOMAIN`, …, `no-answer`, or `cut` (the capture ends, or the packet is cut)")
    ]
    truncated: Annotated[bool, Column("the answer says that it is too long for UDP")]
    answers: Annotated[
        tuple[str, ...] | None, Column("`type data` of the answer section; missing where there is none or it is cut")
    ]
    requests: Annotated[int, Column("times it was asked, repetitions counted")]
    rtt: Annotated[
        float | None,
        Column("question to answer, measured where the capture stood; missing where the question was repeated", "ms"),
    ]
    time: Annotated[datetime | None, Column("when the question, else the answer, passed")]
    source: SourceId


class NtpExchange(NamedTuple):
    """One NTP request and its answer, or a message that nothing answers."""

    client: Annotated[str, Column("address that asked")]
    server: Annotated[str, Column("time server that was asked")]
    version: Annotated[int, Column("NTP version")]
    outcome: Annotated[str, Column("`answered`, `no-answer`, `cut` (the capture ends), or `answer-only`")]
    stratum: Annotated[int | None, Column("stratum of the answer; 0 is a refusal, 16 not synchronised")]
    reference: Annotated[str, Column("reference the server follows, or the code of its refusal; empty without answer")]
    leap: Annotated[str, Column("`none`, `insert`, `delete` or `not synchronised`; empty without answer")]
    offset: Annotated[
        float | None,
        Column("clock of the server minus that of the capturing machine, if both ways take as long", "ms"),
    ]
    delay: Annotated[
        float | None, Column("way from the capturing machine to the server and back; missing where not known", "ms")
    ]
    root_delay: Annotated[float | None, Column("delay from the server to its reference; missing without answer", "ms")]
    root_dispersion: Annotated[float | None, Column("error the server allows for; missing without answer", "ms")]
    time: Annotated[datetime | None, Column("when the request, else the answer, passed")]
    source: SourceId
