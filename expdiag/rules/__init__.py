"""The requirements as rules: small functions that judge, and the engine that runs them."""
