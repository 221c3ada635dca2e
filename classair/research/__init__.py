"""What researchers ask of the past: one selection for explorer, export and API, and the tables it gives."""
