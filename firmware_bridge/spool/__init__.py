"""The buffer (spool) on disk: readings wait here until ingest has acknowledged them."""
