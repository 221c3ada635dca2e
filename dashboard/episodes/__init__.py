"""Smoke episodes as pages and the API show them: the rooms now, what is kept of an episode, and its report."""
