"""Records of a room on request: asked for without an account, decided by the school, given as signed files."""
