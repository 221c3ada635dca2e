"""Words and records of alerts, notifications and smoke episodes that alerts writes and the dashboard reads."""
