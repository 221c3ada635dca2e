"""What shows something: the circumstances of a report, and evidence that it is solved."""
