"""Random classrooms of which everything is known, for benchmarks/science/rooms.py.

Shares no code with the estimates (research/rooms) or the demo's simulator. Times are minutes since a Monday's midnight.
"""
