"""Sensors beside a reference instrument: pairs, fit, proof on unseen days."""
