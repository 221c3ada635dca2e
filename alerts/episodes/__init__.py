"""Smoke episodes: opened by a rule or by hand, with a list of tasks, a log, and messages to those who are concerned."""
