"""MQTT in, store out: judges, commits and only then says "stored"."""
