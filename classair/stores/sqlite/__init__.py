"""The store in one SQLite file, readings.db.

Other packages import `store` (the store itself), `columns` (a local day as columns), `connections` and `rows` (the
tables as they are) and `damaged`; everything else belongs to the store alone.
"""
