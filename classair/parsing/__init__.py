"""Numbers and JSON as the firmware of other people writes them."""
