"""Compose files that are elsewhere: references to them, fetching them, and the cache of what was fetched."""
