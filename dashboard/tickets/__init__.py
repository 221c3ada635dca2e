"""Reported problems: their log, the promise of 48 hours, what people are told, and the figures that are published."""
