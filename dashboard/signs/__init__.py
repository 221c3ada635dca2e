"""Signs for classroom doors: A5 sheets with the code that opens the room's page, a whole school in one PDF."""
