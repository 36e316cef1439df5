"""What servers said, and what a peer gets for a name."""
