"""Readings in; room states, purifier commands and messages to people out."""
