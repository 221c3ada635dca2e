"""What reporters and people in charge are told, and by which link they see more."""
