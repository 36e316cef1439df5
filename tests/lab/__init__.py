"""A network of namespaces with known delays, blocks, NAT and certificates, to hold what is read against the truth.

`plan` says what there is and what follows from it, `network` builds it, `wire` carries the frames, `services` answers,
`probes` asks, `exports` writes what the peers would send. `launch` runs it all where nobody else is touched.
"""
