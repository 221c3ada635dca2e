"""LINE's Messaging API: client, signatures, and the sizes that it allows."""
