"""DNS: what each peer's own resolvers must answer."""

from expdiag.rules.dns import servers

RULES = (*servers.RULES,)
