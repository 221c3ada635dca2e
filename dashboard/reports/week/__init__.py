"""The parents' weekly report of a room: its numbers, its words, and how it looks as page, PDF and picture."""
