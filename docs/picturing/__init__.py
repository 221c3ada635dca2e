"""Pictures of every page in every language, docs/screenshots: `make screenshots`."""
