"""The foundation of ClassAir: words, science, the wire, stores and languages. It imports none of the services."""

__version__ = "0.1.0"

PACKAGES = ("alerts", "classair", "dashboard", "firmware_bridge", "ingest", "research", "simulator")
"""The import names of this distribution."""
