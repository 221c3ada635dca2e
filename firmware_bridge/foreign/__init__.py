"""Third-party devices as ports of a bridge."""
