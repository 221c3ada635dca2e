"""A fleet of sensors with faults drawn from a seed: own physics, own noise; shares no code with what judges it."""
