"""Rows of what probe commands print."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple

from expdiag.tables.schema import Column, SourceId


class Probe(NamedTuple):
    """One probe of a run: an echo request and what came of it."""

    run: Annotated[int, Column("source of the run in `round_trips`")]
    sequence: Annotated[int | None, Column("number the tool gave it")]
    outcome: Annotated[str, Column("`answered`, `duplicate`, `lost` or `error`")]
    rtt: Annotated[
        float | None, Column("round trip; missing unless answered, and where only a bound or no time was printed", "ms")
    ]
    time: Annotated[datetime | None, Column("when it was answered; missing where the tool printed no clock")]
    detail: Annotated[str, Column("what an error said, and who said it; of an answer, its flags or its bound, `<1 ms`")]
    source: SourceId


class RoundTrip(NamedTuple):
    """One run of round-trip measurements from one place to one target."""

    vantage: Annotated[str, Column("where the probe stood, as the case names it; empty where nothing tells")]
    target: Annotated[str, Column("what the command was given; who answered, where the output does not show it")]
    address: Annotated[str, Column("address that was probed, empty where the name did not resolve")]
    method: Annotated[
        str,
        Column(
            "`icmp`, `tcp-syn`, `udp`, `ras`, …: what was sent; `tls`: with what the server computes, so no rule uses "
            "it; empty where the output does not tell"
        ),
    ]
    tool: Annotated[str, Column("program that measured, as it names itself: `ping`, `mtr`, `fping`, …")]
    port: Annotated[int | None, Column("port that was probed; missing where the method has none")]
    sent: Annotated[
        int | None, Column("probes sent; missing where the summary is cut off, absent or not to be trusted")
    ]
    answered: Annotated[int, Column("probes answered, duplicates not counted")]
    loss: Annotated[float | None, Column("lost share of the probes sent", "1")]
    loss_low: Annotated[float | None, Column("lower end of its 95 % Wilson interval", "1")]
    loss_high: Annotated[float | None, Column("upper end of its 95 % Wilson interval", "1")]
    min: Annotated[float | None, Column("shortest round trip; missing where it is `<1 ms`", "ms")]
    median: Annotated[float | None, Column("median; missing where only a summary was printed", "ms")]
    p95: Annotated[
        float | None,
        Column(
            "95th percentile (nearest rank), without the first probe where it is the slowest; 1 where it is `<1 ms`",
            "ms",
        ),
    ]
    max: Annotated[float | None, Column("longest round trip; 1 where it is `<1 ms`", "ms")]
    mean: Annotated[float | None, Column("mean", "ms")]
    deviation: Annotated[float | None, Column("deviation as the tool printed it", "ms")]
    jitter: Annotated[
        float | None, Column("mean change from one answer to the next; missing where not each is known", "ms")
    ]
    first_time: Annotated[datetime | None, Column("first answer; missing where the tool printed no clock")]
    last_time: Annotated[datetime | None, Column("last answer; missing where the tool printed no clock")]
    complete: Annotated[bool, Column("the summary is there, so nothing was cut off")]
    p95_line: Annotated[int | None, Column("source of the answer at the 95th percentile, where each is printed")]
    source: SourceId


class Trace(NamedTuple):
    """One run of a path tracer from one place to one target."""

    vantage: Annotated[str, Column("where the probe stood, as the case names it; empty where nothing tells")]
    target: Annotated[
        str, Column("what the command was given; empty where neither the output nor a command line tells")
    ]
    address: Annotated[str, Column("address that was traced, empty where it is not shown")]
    tool: Annotated[str, Column("`traceroute`, `tracert`, `pathping`, `tracepath`, `mtr`, …")]
    method: Annotated[str, Column("`icmp`, `udp`, `tcp-syn`; empty where the output does not tell")]
    port: Annotated[int | None, Column("port that was probed; missing where the output does not tell")]
    max_hops: Annotated[int | None, Column("most hops it would try; missing where not shown")]
    reached: Annotated[bool | None, Column("the target itself answered; missing where the output is cut")]
    hops: Annotated[int | None, Column("distance of the target as measured; missing where it is not certain")]
    path_mtu: Annotated[int | None, Column("largest packet the path takes, as measured up to the target", "B")]
    first_time: Annotated[datetime | None, Column("when it ran; missing where the tool printed no clock")]
    complete: Annotated[bool, Column("nothing shows that its end was cut off")]
    source: SourceId


class Hop(NamedTuple):
    """One probe of one hop; where a tool prints only totals, one hop."""

    run: Annotated[int, Column("source of the run in `traces`")]
    ttl: Annotated[int, Column("distance, counted from 1")]
    probe: Annotated[int | None, Column("number of the probe at this hop, from 1; missing in a row of totals")]
    outcome: Annotated[str, Column("`answered`, `lost` or `error` (answered with an error other than time exceeded)")]
    address: Annotated[
        str, Column("address that answered, or that was asked by itself; empty where none did or only a name is shown")
    ]
    name: Annotated[str, Column("its name as printed, empty where none was")]
    rtt: Annotated[float | None, Column("round trip of this probe; missing in a row of totals and where lost", "ms")]
    sent: Annotated[int | None, Column("probes this row stands for; missing where not shown")]
    answered: Annotated[int | None, Column("of them answered; missing where not shown")]
    min: Annotated[float | None, Column("shortest round trip, in a row of totals", "ms")]
    mean: Annotated[float | None, Column("mean round trip, in a row of totals", "ms")]
    max: Annotated[float | None, Column("longest round trip, in a row of totals", "ms")]
    deviation: Annotated[float | None, Column("standard deviation, in a row of totals", "ms")]
    detail: Annotated[str, Column("what the row says besides: `!X`, `asymm 2`, `pmtu 1400`, `MPLS Label=24`")]
    source: SourceId


class Reachability(NamedTuple):
    """Whether one place reaches one port, or one host where no port was tried."""

    vantage: Annotated[str, Column("where the probe stood, as the case names it; empty where nothing tells")]
    target: Annotated[str, Column("what the command was given")]
    address: Annotated[str, Column("address that was probed, empty where the name did not resolve")]
    port: Annotated[int | None, Column("port; missing where the host as such was probed")]
    transport: Annotated[str, Column("`tcp`, `udp`, `icmp`; empty where the output does not tell")]
    state: Annotated[
        str,
        Column(
            "`open`, `refused` (the host said no), `filtered` (silence), `prohibited` (a router said no), "
            "`unreachable` (no route or no host; a tool that only connects says so of a router that prohibits, too), "
            "`not-open` (it did not open, and the tool does not show why), `open-or-filtered` (silence on udp), "
            "`unresolved`"
        ),
    ]
    said_by: Annotated[str, Column("who refused or prohibited, where it is shown")]
    tool: Annotated[str, Column("program that probed")]
    rtt: Annotated[float | None, Column("round trip of the answer; missing where not measured", "ms")]
    time: Annotated[datetime | None, Column("when; missing where the tool printed no clock")]
    detail: Annotated[str, Column("what the tool says besides")]
    source: SourceId


class DnsQuery(NamedTuple):
    """One question to a resolver and what came of it; a time-out and a refusal are results."""

    vantage: Annotated[str, Column("where the question was asked, as the case names it; empty where nothing tells")]
    server: Annotated[str, Column("address of the resolver that was asked, empty where it is not shown")]
    name: Annotated[
        str, Column("name that was asked for, absolute, lower case, without the last dot; empty where it is not shown")
    ]
    type: Annotated[str, Column("record type that was asked for, `SRV`; empty where it is not shown")]
    status: Annotated[
        str,
        Column(
            "`NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, …, or `TIMEOUT`, `UNREACHABLE`, `CONNECTION-REFUSED`, "
            "`CONNECTION-CLOSED`, `MALFORMED`, `FAILED` (said in words that are not known); empty where it is not shown"
        ),
    ]
    authoritative: Annotated[bool | None, Column("the answer is authoritative; missing where not shown")]
    answers: Annotated[
        int | None, Column("records in the answer section; missing where there was no answer, or it is not whole")
    ]
    rtt: Annotated[float | None, Column("time the answer took; missing where not shown", "ms")]
    time: Annotated[datetime | None, Column("when it was asked; missing where the tool printed no clock with a zone")]
    transport: Annotated[str, Column("`udp`, `tcp`; empty where not shown")]
    tool: Annotated[str, Column("`dig`, `nslookup`, `host`, …; empty where its words are those of several")]
    source: SourceId


class DnsRecord(NamedTuple):
    """One record of an answer."""

    query: Annotated[int, Column("source of the question in `dns_queries`")]
    section: Annotated[str, Column("`answer`, `authority` or `additional`")]
    name: Annotated[str, Column("owner, absolute, lower case, without the last dot")]
    ttl: Annotated[int | None, Column("time to live; missing where not shown", "s")]
    type: Annotated[str, Column("`A`, `AAAA`, `CNAME`, `PTR`, `SRV`, …")]
    value: Annotated[
        str,
        Column(
            "data in presentation form, of an SRV or MX the target alone; a name without its last dot, in lower case"
        ),
    ]
    priority: Annotated[int | None, Column("priority of an SRV, preference of an MX; missing elsewhere")]
    weight: Annotated[int | None, Column("weight of an SRV; missing elsewhere")]
    port: Annotated[int | None, Column("port of an SRV; missing elsewhere")]
    source: SourceId


class TlsHandshake(NamedTuple):
    """One TLS handshake, as a client tool printed it or a capture shows it."""

    vantage: Annotated[str, Column("where it was seen, as the case names it; empty where nothing tells")]
    client: Annotated[str, Column("address of the client, empty where not shown")]
    server: Annotated[str, Column("address of the server, else what the command was given")]
    port: Annotated[int | None, Column("port of the server; missing where not shown")]
    server_name: Annotated[str, Column("name the client asked for (SNI), empty where it sent none or it is not shown")]
    offered: Annotated[str, Column("highest version the client offered, `TLSv1.3`; empty where not shown")]
    version: Annotated[str, Column("version agreed on; empty where none was or it is not shown")]
    cipher: Annotated[str, Column("cipher agreed on; empty where none was or it is not shown")]
    outcome: Annotated[
        str,
        Column(
            "`completed`, `alert`, `reset`, `closed`, `no-answer`, `refused`, or `cut` (the evidence ends, "
            "also where a tool shows no more than the certificate)"
        ),
    ]
    alert: Annotated[str, Column("alert that ended it, `unknown_ca`; empty where none did")]
    alert_from: Annotated[str, Column("`client` or `server`; empty where there is none or it is not known")]
    verify_code: Annotated[int | None, Column("verify return code the tool printed; missing in a capture")]
    verify_text: Annotated[str, Column("what it says in words, empty where not shown")]
    client_certificate: Annotated[
        str,
        Column(
            "`sent`, `requested` (but none sent), `asked` (whether one was sent is not shown), `not requested`, "
            "`hidden` (TLS 1.3), `unknown`"
        ),
    ]
    server_certificates: Annotated[
        tuple[str, ...] | None, Column("SHA-256 fingerprints as sent, leaf first; missing where hidden or not shown")
    ]
    client_certificates: Annotated[
        tuple[str, ...] | None, Column("SHA-256 fingerprints as sent, leaf first; missing where hidden or not shown")
    ]
    duration: Annotated[float | None, Column("first to last handshake message; missing where not measured", "ms")]
    time: Annotated[datetime | None, Column("when it began; missing where not shown")]
    tool: Annotated[str, Column("`openssl s_client`, `curl`, `nmap`, …, or `capture`")]
    source: SourceId


class SystemKey(NamedTuple):
    """One run of `/sbin/verify-syskey`, which prints nothing where the system key is sound."""

    vantage: Annotated[str, Column("where it ran, as the case names it; empty where nothing tells")]
    printed: Annotated[str, Column("what it printed, in one line; empty for nothing")]
    complete: Annotated[bool, Column("a prompt follows, so that nothing more was printed")]
    source: SourceId
