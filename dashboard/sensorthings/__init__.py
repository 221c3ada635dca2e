"""The same rooms, sensors and readings in the shape of OGC SensorThings API 1.1 (18-088), read-only."""
