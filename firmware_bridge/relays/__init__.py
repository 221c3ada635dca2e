"""Relays on boards that are plugged into this bridge: switched by orders, each with an end that the bridge holds."""
