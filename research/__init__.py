"""Whole years of numbers: selections and their tables, exports, the archive, collocation, estimates of rooms."""
