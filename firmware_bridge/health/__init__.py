"""How each sensor of a bridge is, and which of its readings are missing and why."""
