"""Basic configuration: names, certificates, option keys, H.323, firewall rules."""

from expdiag.rules.basic import certificates, firewall, h323, names

RULES = (*names.RULES, *certificates.RULES, *h323.RULES, *firewall.RULES)
