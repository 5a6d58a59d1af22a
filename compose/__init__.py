"""Compose projects: load, plan, execute, show."""
