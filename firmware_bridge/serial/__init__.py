"""Serial ports: opening, identity, supervision, sleep and warm-up."""
