"""What the simulated schools measured before anybody listened."""
