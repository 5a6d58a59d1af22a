"""Building images from Dockerfiles: reading, planning, executing, caching."""
