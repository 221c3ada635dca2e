"""A fake of LINE's Messaging API on this machine, for tests and for trying the school's account out without LINE."""
