"""Which files are one peer, what a peer is called, who is in the cluster."""
