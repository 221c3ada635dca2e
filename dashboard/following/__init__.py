"""Who follows which room, by LINE or by mail, and what they are sent of it."""
