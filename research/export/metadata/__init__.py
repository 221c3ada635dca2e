"""What a package says of itself: for people, for citing, and in the forms that catalogues and repositories read."""
