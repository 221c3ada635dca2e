"""When purifiers are switched: one pure machine, its memory over restarts, and the board of all purifiers."""
