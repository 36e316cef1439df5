"""Basic configuration: names, certificates, option keys, H.323, firewall rules."""

from expdiag.rules.basic import authorities, certificates, firewall, h323, names, validity

RULES = (
    *names.RULES,
    *certificates.RULES,
    *validity.RULES,
    *authorities.RULES,
    *h323.RULES,
    *firewall.RULES,
)
