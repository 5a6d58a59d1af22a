"""One module a command: what it plans and what comes out of it."""
