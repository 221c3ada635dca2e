"""The black box: a raw byte log of the last 24 hours."""
