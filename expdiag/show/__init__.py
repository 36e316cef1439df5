"""Pictures of a case, each beside a small table that says the same."""
