"""The same rows in the forms that other tools read."""
