"""A week of smoke to practise on: a room that does not exist, and what each decision does to it.

Nothing here asks or tells a running system anything: the world is worked out from the decisions in the address alone.
"""
