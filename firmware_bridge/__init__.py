"""Bytes in, MQTT out: reads sensors over serial ports and delivers every reading, however long the server is away."""
