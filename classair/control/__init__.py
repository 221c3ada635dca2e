"""What decides over purifiers at the server and at the edge alike: the signal of a room, and orders to devices."""
