"""What the rows mean: which files are one peer, what each peer is, and how the peers see each other."""
