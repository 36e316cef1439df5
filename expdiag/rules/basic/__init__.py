"""Basic configuration: names, certificates, option keys, H.323, firewall rules."""

from expdiag.rules.basic import authorities, certificates, firewall, h323, names, options, validity

RULES = (
    *names.RULES,
    *certificates.RULES,
    *validity.RULES,
    *authorities.RULES,
    *options.RULES,
    *h323.RULES,
    *firewall.RULES,
)
