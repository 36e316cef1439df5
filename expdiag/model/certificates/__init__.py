"""What certificates say, who vouches for them, and where peers ask for that."""
