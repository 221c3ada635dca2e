"""What a municipality asks of its schools together: weeks and months of lessons, energy, who cares for what, a map."""
