"""Flags of the commands whose own module is expensive to import."""
