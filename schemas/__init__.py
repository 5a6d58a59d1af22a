"""The shapes of data: the Compose file, the engine's records, the OCI documents."""
