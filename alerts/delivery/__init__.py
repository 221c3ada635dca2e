"""Brings notifications to people, with retries."""
