"""The air of simulated schools: weather, rooms, routine, sensors; pure and seeded."""
