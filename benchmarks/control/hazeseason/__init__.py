"""A season of haze in schools' classrooms, and ways to run their purifiers in it. Shares no code with /simulator."""
