"""What was measured and tried between the peers, and what stands between them."""
