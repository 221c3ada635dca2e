"""The executives' monthly paper: one sheet about all schools of an account, or of the organisation."""
