"""Requirements that Cisco states outside the page of clustering requirements."""

from expdiag.rules.elsewhere import health, interfaces, peer_list, products, settings

RULES = (*settings.RULES, *peer_list.RULES, *interfaces.RULES, *health.RULES, *products.RULES)
