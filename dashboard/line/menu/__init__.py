"""The menu below the conversation: its picture, its fields, and the command that puts it on the account."""
