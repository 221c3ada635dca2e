"""From what holds now to what people are told: alerts with a life of their own, each change written down once."""
