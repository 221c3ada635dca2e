"""Schools that obey physics: simulated rooms, sensors on pseudo-terminals, and Tasmota sockets over MQTT."""
