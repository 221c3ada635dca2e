"""The foundation of ClassAir: words, science, the wire, stores and languages. It imports none of the services."""

__version__ = "0.1.0"
