"""Who may do what: accounts, sessions and tokens, one table of routes, one guard over API and pages."""
