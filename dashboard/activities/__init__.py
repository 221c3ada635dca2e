"""What a class finds out about its own air: guess before you see, what the window did, an experiment of its own."""
