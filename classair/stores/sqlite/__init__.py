"""The store in one SQLite file, readings.db."""
