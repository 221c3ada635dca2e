"""`classair run`: everything on one machine, as child processes of a small supervisor."""
