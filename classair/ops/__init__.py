"""What a person runs on the machine: check, provision, the broker and its files, the supervisor."""
