"""Quality checks on stored readings, with hindsight."""
