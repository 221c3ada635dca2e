"""The durable outbox: messages on disk before their first attempt, sent at least once, each attempt on record."""
