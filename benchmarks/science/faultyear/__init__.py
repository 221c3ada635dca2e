"""A simulated year of forty sensors with every fault of the list in it, and the truth beside it."""
