"""A month of messages by LINE with too small a quota: what is told by whom, when, and who is reached by what."""
