"""What people write to the school's LINE account: kept before LINE is answered, worked on afterwards, each once."""
