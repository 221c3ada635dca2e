"""What simulated schools have on their ports and at the broker."""
