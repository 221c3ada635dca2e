"""What screens and the API ask of the past."""
