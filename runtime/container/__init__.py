"""Containers: from a spec to a bundle on disk, and its life through the supervisor."""
