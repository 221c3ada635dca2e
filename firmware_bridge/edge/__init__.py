"""What a bridge does for its rooms while the server is away: it switches purifiers ON, for a time, and never OFF."""
