"""What a person asks of stored readings from the command line."""
