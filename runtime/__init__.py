"""The container runtime: images, networks, volumes, processes. Knows nothing of Compose files."""
