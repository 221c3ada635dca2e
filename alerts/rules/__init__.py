"""What people are notified about, and in which words."""
