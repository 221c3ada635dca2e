"""The page behind the code on a classroom's door: the room now, today and this week, for people without an account."""
