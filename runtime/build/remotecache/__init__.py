"""Caches that builds on several machines share: `cache_from` and `cache_to`."""
