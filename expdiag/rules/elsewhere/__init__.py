"""Requirements that Cisco states outside the page of clustering requirements."""

from expdiag.rules.elsewhere import (
    call_routing,
    health,
    identity,
    interfaces,
    neighbours,
    peer_list,
    products,
    replicated,
    settings,
)

RULES = (
    *settings.RULES,
    *peer_list.RULES,
    *identity.RULES,
    *neighbours.RULES,
    *interfaces.RULES,
    *health.RULES,
    *products.RULES,
    *call_routing.RULES,
    *replicated.RULES,
)
