"""The network between the peers."""

from expdiag.rules.network import (
    addresses,
    delay,
    exposure,
    ports,
    reliable,
    routing,
    sequence,
    translation,
)

RULES = (
    *addresses.RULES,
    *delay.RULES,
    *routing.RULES,
    *translation.RULES,
    *ports.RULES,
    *exposure.RULES,
    *reliable.RULES,
    *sequence.RULES,
)
