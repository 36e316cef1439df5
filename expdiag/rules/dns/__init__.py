"""DNS: what each peer's own resolvers must answer, and what the public must find."""

from expdiag.rules.dns import addresses, calls, edge, manager, peers, servers, services

RULES = (
    *servers.RULES,
    *manager.RULES,
    *peers.RULES,
    *services.RULES,
    *addresses.RULES,
    *calls.RULES,
    *edge.RULES,
)
