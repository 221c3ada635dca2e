"""What the broker says now, kept and passed on to browsers."""
