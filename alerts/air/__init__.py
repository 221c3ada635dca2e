"""What alerts knows of the rooms' air: readings in, judged and corrected, and the state of each room out."""
