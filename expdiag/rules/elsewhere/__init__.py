"""Requirements that Cisco states outside the page of clustering requirements."""

from expdiag.rules.elsewhere import call_routing, identity, neighbours, peer_list, replicated, settings

RULES = (*settings.RULES, *peer_list.RULES, *identity.RULES, *neighbours.RULES, *call_routing.RULES, *replicated.RULES)
