"""pydantic models of the Compose file, frozen after loading."""
