"""The network between the peers."""

from expdiag.rules.network import addresses, delay, translation

RULES = (*addresses.RULES, *delay.RULES, *translation.RULES)
