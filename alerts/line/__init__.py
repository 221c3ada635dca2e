"""What the account may still send this month, and who goes without when it is used up."""
