"""Volumes: the local driver, and filling a new volume from an image."""
