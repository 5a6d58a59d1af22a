"""The project, resolved into the requests that the runtime understands."""
