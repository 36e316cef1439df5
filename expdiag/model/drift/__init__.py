"""What should be the same on all peers and is not, and dumps that are out of date."""
