"""The network between the peers."""

from expdiag.rules.network import addresses, delay, reliable, sequence, translation

RULES = (*addresses.RULES, *delay.RULES, *reliable.RULES, *sequence.RULES, *translation.RULES)
