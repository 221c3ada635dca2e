"""readings.db as ingest keeps it, one table family a file."""
