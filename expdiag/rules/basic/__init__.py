"""Basic configuration: names, certificates, option keys, H.323, firewall rules."""

from expdiag.rules.basic import certificates, h323, names, options

RULES = (*names.RULES, *certificates.RULES, *h323.RULES, *options.RULES)
