"""Exit codes that are not an error's own (those are in compose.errors)."""

SUCCESS = 0
INTERRUPTED = 130
"""128 + SIGINT, as every shell has it; docker compose exits so after Ctrl-C."""
BROKEN_PIPE = 141
"""128 + SIGPIPE: the reader of our output has gone (`logs | head`)."""
