"""What the explorer shows, worked out: the view an address asks for, sums of tables, and figures. Knows no Dash."""
